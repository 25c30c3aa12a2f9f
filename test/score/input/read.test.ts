/** Scores files in every form, what is refused, and what an error says. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readScores } from '#pcam/score/input/read.js';
import type { ScoreRows } from '#pcam/score/input/rows.js';
import { pcamError } from '../../support/outcome.js';
import { temporaryFolder } from '../../support/temp.js';

const GOLDEN = join(import.meta.dirname, '..', 'golden');

async function put(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(await temporaryFolder(), name);
  await writeFile(file, content);
  return file;
}

/** Bytes of a .npy file, with its header as NumPy writes it. */
function npy(header: string, data: Uint8Array, version = 1): Buffer {
  const length = version === 1 ? Buffer.alloc(2) : Buffer.alloc(4);
  if (version === 1) length.writeUInt16LE(header.length);
  else length.writeUInt32LE(header.length);
  return Buffer.concat([
    Buffer.from(`\x93NUMPY`, 'latin1'),
    Buffer.of(version, 0),
    length,
    Buffer.from(header),
    data,
  ]);
}

const dict = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${shape}), }\n`;

const bytesOf = (values: NodeJS.TypedArray) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

describe('a NumPy array', () => {
  const F64 = bytesOf(Float64Array.of(0.25, 0.75));
  const big = bytesOf(new Uint32Array([0x3e800000, 0x3f400000])).toReversed();

  it.each<[string, Buffer, number[]]>([
    ['float64', npy(dict('<f8', '2,'), F64), [0.25, 0.75]],
    ['float32', npy(dict('<f4', '2,'), bytesOf(Float32Array.of(0.25, 0.75))), [0.25, 0.75]],
    ['big-endian float32', npy(dict('>f4', '2,'), big), [0.75, 0.25]],
    [
      'float16',
      npy(dict('<f2', '4,'), bytesOf(Uint16Array.of(0x3800, 0x0001, 0x8000, 0xc900))),
      [0.5, 2 ** -24, -0, -10],
    ],
    ['int64', npy(dict('<i8', '2,'), bytesOf(BigInt64Array.of(1n, -3n))), [1, -3]],
    ['uint8', npy(dict('|u1', '2,'), Uint8Array.of(1, 0)), [1, 0]],
    ['bool', npy(dict('|b1', '2,'), Uint8Array.of(1, 0)), [1, 0]],
    ['shape (N, 1)', npy(dict('<f8', '2, 1'), F64), [0.25, 0.75]],
    ['format 2', npy(dict('<f8', '2,'), F64, 2), [0.25, 0.75]],
  ])('%s', async (_, bytes, scores) => {
    const rows = await readScores({ file: await put('a.npy', bytes) });
    expect([...rows.scores]).toEqual(scores);
    expect(rows).toMatchObject({ count: scores.length, naming: 'order', column: null, twoLogits: false });
  });

  it('takes the second of two probabilities, in either memory order', async () => {
    const c = npy(dict('<f8', '2, 2'), bytesOf(Float64Array.of(0.75, 0.25, 0.1, 0.9005)));
    expect(await readScores({ file: await put('c.npy', c) })).toMatchObject({
      twoLogits: false,
      scores: Float64Array.of(0.25, 0.9005),
    });
    const fortran = npy(dict('<f8', '2, 2', 'True'), bytesOf(Float64Array.of(0.75, 0.1, 0.25, 0.9)));
    expect([...(await readScores({ file: await put('f.npy', fortran) })).scores]).toEqual([0.25, 0.9]);
  });

  it.each([
    [
      [0.2, 0.9, 0.5, 0.5],
      [0.7, 0],
    ],
    [
      [-1, 3, 0.5, 0.5],
      [4, 0],
    ],
  ])('takes %j as two logits', async (values, scores) => {
    const file = await put('l.npy', npy(dict('<f8', '2, 2'), bytesOf(Float64Array.from(values))));
    const rows = await readScores({ file });
    expect(rows.twoLogits).toBe(true);
    for (const [i, score] of rows.scores.entries()) expect(score).toBeCloseTo(scores[i]!, 15);
  });

  it('notes what is no finite number', async () => {
    const values = Float64Array.of(0.5, Number.NaN, Number.POSITIVE_INFINITY);
    const rows = await readScores({ file: await put('n.npy', npy(dict('<f8', '3,'), bytesOf(values))) });
    expect([...rows.scores]).toEqual([0.5, Number.NaN, Number.NaN]);
    expect([...rows.badScores]).toEqual([
      [1, 'NaN'],
      [2, 'Infinity'],
    ]);
  });

  it.each<[string, Buffer, RegExp]>([
    ['pickled objects', npy(dict('|O', '1,'), Buffer.from('cos\nsystem\n')), /pickled Python objects/],
    ['complex numbers', npy(dict('<c16', '1,'), Buffer.alloc(16)), /the type/],
    [
      'records',
      npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }\n", Buffer.alloc(8)),
      /the type/,
    ],
    ['three classes', npy(dict('<f8', '2, 3'), Buffer.alloc(48)), /shape \(2, 3\)/],
    ['a number', npy(dict('<f8', ''), Buffer.alloc(8)), /shape \(\)/],
    ['too few bytes', npy(dict('<f8', '3,'), Buffer.alloc(16)), /bytes/],
    ['too many bytes', npy(dict('<f8', '1,'), Buffer.alloc(16)), /bytes/],
    ['a claim of 16 TB', npy(dict('<f8', '2199023255552,'), Buffer.alloc(16)), /at most 16777216 scores/],
    ['no array', Buffer.from('not an array at all'), /something else/],
    ['nothing', Buffer.alloc(0), /something else/],
    ['a header without an end', Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\xff\xff', 'latin1')]), /bytes/],
  ])('refuses %s', async (_, bytes, found) => {
    const error = await pcamError(readScores({ file: await put('bad.npy', bytes) }));
    expect(error.code).toBe('BAD_DATA');
    expect(error.message).toMatch(found);
  });
});

const SHA1 = 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3';

async function readText(name: string, text: string, column?: string): Promise<ScoreRows> {
  const file = await put(name, text);
  return readScores({ file, column: column === undefined ? undefined : { name: column, required: true } });
}

describe('a table', () => {
  it.each<[string, string, Partial<ScoreRows>]>([
    ['order', 'prob\n0.5\n1e-3\n', { naming: 'order', column: 'prob' }],
    [
      'index',
      'index,score\n1,0.5\n0.0,.001\n',
      { naming: 'index', indices: Uint32Array.of(1, 0), splits: Uint8Array.of(0, 0) },
    ],
    [
      'split and index, before a key',
      'key,split,index,p\nx,Test,1,0.5\ny,validation,0,0.001\n',
      { naming: 'split and index', indices: Uint32Array.of(1, 0), splits: Uint8Array.of(3, 2) },
    ],
    [
      'keys',
      'path,logit\nany/where/test_000017.png,0.5\nC:\\a\\train_3,0.001\n',
      { naming: 'name', indices: Uint32Array.of(17, 3), splits: Uint8Array.of(3, 1), column: 'logit' },
    ],
    [
      "Kaggle's ids",
      `id,label\n${SHA1}.tif,0.5\n${SHA1.toUpperCase()},0.001\n`,
      { naming: 'name', column: 'label', splits: Uint8Array.of(254, 254) },
    ],
    ['a BOM, CRLF, quotes and blank lines', '\ufeff"prob"\r\n"0.5"\r\n\r\n0.001\r\n', { column: 'prob' }],
    ['other columns', 'wsi,Prediction,label\na,0.5,1\nb,0.001,0\n', { column: 'Prediction' }],
  ])('by %s', async (_, text, expected) => {
    const rows = await readText('a.csv', text);
    expect([...rows.scores]).toEqual([0.5, 0.001]);
    expect(rows).toMatchObject(expected);
  });

  it('is separated by tabs where it ends in .tsv', async () => {
    const rows = await readText('a.tsv', 'key\tprob\ntest_1\t0.5\n');
    expect(rows).toMatchObject({ count: 1, indices: Uint32Array.of(1) });
  });

  it('has its scores in the column that is asked for', async () => {
    expect((await readText('a.csv', 'prob,mine\n0.1,0.9\n', 'mine')).scores[0]).toBe(0.9);
    expect((await readText('a.csv', 'key,label\ntest_1,0.9\n', 'label')).scores[0]).toBe(0.9);
    const file = await put('b.csv', 'prob\n0.1\n');
    expect((await readScores({ file, column: { name: 'mine', required: false } })).column).toBe('prob');
  });

  it('notes cells that are no number, and names that are no patch', async () => {
    const rows = await readText('a.csv', 'key,prob\ntest_1,high\nslide_7,0.5\ntest_2,\ntest_3,nan\n');
    expect([...rows.badScores]).toEqual([
      [0, 'high'],
      [2, ''],
      [3, 'nan'],
    ]);
    expect([...rows.badNames]).toEqual([[1, 'slide_7']]);
    expect([...rows.splits]).toEqual([3, 255, 3, 3]);
  });

  it.each<[string, string, string, RegExp]>([
    ['no column of scores', 'USAGE', 'key,tumor\ntest_1,0.5\n', /"key", "tumor"/],
    ['labels beside keys', 'USAGE', 'key,label\ntest_1,1\n', /SHA-1s only/],
    ['names of an object', 'USAGE', '__proto__,constructor\n1,2\n', /"__proto__"/],
    ['two columns of a name', 'USAGE', 'prob,prob\n1,2\n', /two columns/],
    ['nothing', 'USAGE', '', /no columns/],
    ['rows of other lengths', 'BAD_CSV', 'index,prob\n1,2,3\n', /line 2/],
    ['an open quote', 'BAD_CSV', 'prob\n"0.5\n', /line/],
    ['a row without an end', 'BAD_CSV', `prob\n${'1'.repeat(70_000)}`, /longer/],
  ])('refuses %s: %s', async (_, code, text, words) => {
    const error = await pcamError(readText('bad.csv', text));
    expect(error.code).toBe(code);
    expect(`${error.message} ${error.hint}`).toMatch(words);
  });

  it('refuses a column that is not there, another kind of file, and none', async () => {
    expect(await pcamError(readText('a.csv', 'prob\n1\n', 'mine'))).toMatchObject({ code: 'USAGE' });
    expect(await pcamError(readText('a.xlsx', ''))).toMatchObject({ code: 'USAGE' });
    expect(await pcamError(readScores({ file: '/nowhere/a.csv' }))).toMatchObject({ code: 'USAGE' });
    expect(await pcamError(readScores({ file: join(await temporaryFolder()) }))).toMatchObject({
      code: 'USAGE',
    });
    const array = await put('a.npy', npy(dict('<f8', '1,'), Buffer.alloc(8)));
    expect(await pcamError(readScores({ file: array, column: { name: 'p', required: true } }))).toMatchObject(
      { code: 'USAGE' },
    );
  });
});

describe('Parquet', () => {
  it.each(['none', 'snappy', 'gzip', 'zstd'])('with %s compression', async (codec) => {
    const rows = await readScores({ file: join(GOLDEN, `${codec}.parquet`) });
    expect(rows).toMatchObject({
      ...{ count: 4, naming: 'split and index', column: 'prob' },
      scores: Float64Array.of(0.75, 0.125, Math.fround(0.9), 0.5),
      splits: Uint8Array.of(3, 3, 2, 3),
      indices: Uint32Array.of(2, 0, 0, 1),
    });
  });

  it('refuses every file with one byte changed, or reads it, and never asks for much memory', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'fuzz.parquet');
    let refused = 0;
    for (const codec of ['none', 'snappy', 'gzip', 'zstd']) {
      const good = await readFile(join(GOLDEN, `${codec}.parquet`));
      for (let at = 0; at < good.length; at += 7) {
        const bytes = Buffer.from(good);
        bytes[at]! ^= 0xff;
        await writeFile(file, bytes);
        const outcome = await readScores({ file }).catch((error) => error);
        if (!(outcome instanceof Error)) continue;
        expect(['BAD_DATA', 'USAGE']).toContain((outcome as { code?: string }).code);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(300e6);
  });

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['no Parquet', Buffer.from('PAR1 this is not what it seems to be PAR1')],
    ['a footer of 4 GB', Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(20, 0xff), Buffer.from('PAR1')])],
  ])('refuses %s', async (_, bytes) => {
    expect(await pcamError(readScores({ file: await put('bad.parquet', bytes) }))).toMatchObject({
      code: 'BAD_DATA',
    });
  });
});
