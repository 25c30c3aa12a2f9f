/** Damaged and hostile meta CSVs: the right rows or a clear error, in bounded time and memory. */
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { PcamError } from '#pcam/core/errors.js';
import { Random } from '#pcam/core/random.js';
import { readMeta } from '#pcam/dataset/meta.js';
import { pcamError } from '../support/outcome.js';
import { temporaryFolder } from '../support/temp.js';

const HEADER = ',coord_y,coord_x,tumor_patch,center_tumor_patch,wsi';
const row = (i: number) => `${i},${i * 3},${i * 5},${i % 2 ? 'True' : 'False'},False,slide_${i % 4}`;
const ROWS = Array.from({ length: 20 }, (_, i) => row(i));

/** A file of any length that never is in memory. */
async function endless(head: string, piece: string, times: number): Promise<string> {
  const file = join(await temporaryFolder(), 'meta.csv');
  const block = piece.repeat(Math.ceil((1 << 20) / piece.length));
  const blocks = Math.ceil((times * piece.length) / block.length);
  const pieces = function* () {
    yield head;
    for (let i = 0; i < blocks; i++) yield block;
  };
  await pipeline(Readable.from(pieces()), createWriteStream(file));
  return file;
}

async function outcomeOf(file: string): Promise<string> {
  try {
    const table = await readMeta({ file });
    for (let i = 0; i < table.rows; i++) {
      const { wsi, coord_x, coord_y } = table.row(i);
      if (wsi === '' || !Number.isInteger(coord_x) || !Number.isInteger(coord_y)) return 'nonsense';
    }
    return 'right';
  } catch (error) {
    return error instanceof PcamError ? error.code : String(error);
  }
}

describe('files of a hundred megabytes', () => {
  it.each<[string, string, string, number]>([
    ['a million columns', '', 'column,', 1_000_000],
    ['a field of 100 MB', `${HEADER}\n0,1,2,True,True,`, 's', 100e6],
    ['a quoted field of 100 MB', `${HEADER}\n0,1,2,True,True,"`, 's\n', 50e6],
    ['100 MB of quotes', '', '"', 100e6],
    ['100 MB of NULs', '', '\0', 100e6],
    ['100 MB of line ends and nothing else', '', '\n', 100e6],
    ['a header without end', HEADER, ' ', 100e6],
  ])('%s end soon', async (_, head, piece, times) => {
    const file = await endless(head, piece, times);
    // What takes longer than its size explains meets the time limit of the test.
    expect((await pcamError(readMeta({ file }))).code).toBe('BAD_CSV');
  });
});

describe('what is read as it is meant', () => {
  const plain = [HEADER, ...ROWS].join('\n');
  it.each<[string, string]>([
    ['CRLF', plain.replaceAll('\n', '\r\n')],
    ['CR alone', plain.replaceAll('\n', '\r')],
    ['a byte order mark', `\ufeff${plain}`],
    ['every field quoted', plain.replace(/[^,\n]+/g, (field) => `"${field}"`)],
    ['empty lines', plain.replaceAll('\n', '\n\n\n')],
    ['no line end at the end', plain],
    ['unexpected columns', plain.replace(HEADER, `${HEADER},"a ""b"", c"`).replace(/\d$/gm, '$&,x')],
  ])('%s', async (_, text) => {
    const file = join(await temporaryFolder(), 'meta.csv');
    await writeFile(file, text);
    const table = await readMeta({ file, count: ROWS.length });
    expect(table.row(7)).toEqual({
      wsi: 'slide_3',
      coord_x: 35,
      coord_y: 21,
      tumor_patch: true,
      center_tumor_patch: false,
    });
  });
});

it('every damaged copy of a table is read or refused', async () => {
  const seed = Number(process.env.FUZZ_SEED ?? 20181);
  const count = Number(process.env.FUZZ_MUTANTS ?? 1500);
  const file = join(await temporaryFolder(), 'meta.csv');
  const sound = Buffer.from([HEADER, ...ROWS].join('\n'));
  const outcomes = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    await writeFile(file, mutate(sound, new Random(seed, i)));
    const outcome = await outcomeOf(file);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    expect(['right', 'BAD_CSV'], `seed ${seed} mutant ${i}`).toContain(outcome);
  }
  console.log(`csv fuzz: seed ${seed}, ${count} mutants: ${[...outcomes].join(' ')}`);
});

const JUNK = [
  '"',
  '""',
  ',',
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\ufeff',
  '\u001b[2J',
  '=cmd()',
  'NaN',
  '1e9',
  '-',
  '\ud83d',
];

function mutate(sound: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(sound);
  for (let n = random.integer(1, 5); n > 0; n--) {
    const at = random.integer(0, bytes.length + 1);
    const length = random.integer(0, 40);
    const before = bytes.subarray(0, at);
    switch (random.integer(0, 6)) {
      case 0:
        if (at < bytes.length) bytes[at] = random.integer(0, 256);
        break;
      case 1:
      case 2:
        bytes = Buffer.concat([
          before,
          Buffer.from(JUNK[random.integer(0, JUNK.length)]!),
          bytes.subarray(at),
        ]);
        break;
      case 3:
        bytes = Buffer.concat([before, bytes.subarray(at + length)]);
        break;
      case 4:
        bytes = Buffer.concat([before, bytes.subarray(random.integer(0, bytes.length + 1))]);
        break;
      default:
        bytes = Buffer.concat([
          before,
          Buffer.alloc(length * 20, random.integer(0, 256)),
          bytes.subarray(at),
        ]);
    }
  }
  return bytes;
}
