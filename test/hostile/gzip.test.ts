/** Archives whose digests are those of the manifest, and which are hostile all the same. */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { DatasetFile } from '#pcam/manifest/types.js';
import { archive, noise } from '../support/files.js';
import { IMAGES, smallDataset } from './small.js';

const MB = 1024 * 1024;
const plain = noise(3 * MB);

/** A gzip header (RFC 1952) with the optional fields that `flags` names. */
function header(flags: number, fields: readonly Buffer[] = []): Buffer {
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255]), ...fields]);
}

const [FEXTRA, FNAME, FCOMMENT] = [4, 8, 16];
/** What follows the ten bytes of a header without optional fields. */
const body = gzipSync(plain).subarray(10);
const longest = Buffer.alloc(2 + 0xffff, 0x41);
longest.writeUInt16LE(0xffff);
const text = Buffer.concat([Buffer.alloc(5 * MB, 'a/../'), Buffer.alloc(1)]);

describe('an archive that decompresses to the right bytes', () => {
  it.each<[string, Buffer]>([
    ['in two members', Buffer.concat([gzipSync(plain.subarray(0, MB)), gzipSync(plain.subarray(MB))])],
    [
      'in 3,000 members',
      Buffer.concat(
        Array.from({ length: 3072 }, (_, i) =>
          gzipSync(plain.subarray(i * 1024, (i + 1) * 1024), { level: 1 }),
        ),
      ),
    ],
    [
      'among 200,000 empty members',
      Buffer.concat([
        ...Array(100_000).fill(gzipSync('')),
        gzipSync(plain),
        ...Array(100_000).fill(gzipSync('')),
      ]),
    ],
    ['with the largest extra field', Buffer.concat([header(FEXTRA, [longest]), body])],
    ['with names of 5 MB that lead elsewhere', Buffer.concat([header(FNAME | FCOMMENT, [text, text]), body])],
  ])('%s', async (_, served) => {
    const data = await smallDataset({ images: archive(IMAGES, plain, { served }) });
    expect((await data.download()).files[0]!).toMatchObject({ status: 'downloaded' });
    expect((await readFile(data.paths.final(IMAGES))).equals(plain)).toBe(true);
  });
});

describe('an archive that is refused', () => {
  const bomb = gzipSync(Buffer.alloc(400 * MB));
  const shape = { path: 'x', shape: [36, 96, 96, 3] };
  const extracted = (bytes?: number) => ({ name: IMAGES, md5: '0'.repeat(32), bytes });
  const cases: [string, Buffer, Partial<DatasetFile>][] = [
    ['a bomb, by the size in the manifest', bomb, { extracted: extracted(plain.length) }],
    ['a bomb, by the shape of its array', bomb, { extracted: extracted(), array: shape }],
    [
      'a bomb of members, each of which is small',
      Buffer.concat(Array(400).fill(gzipSync(Buffer.alloc(MB)))),
      { extracted: extracted(plain.length) },
    ],
    ['a bomb in a bomb, which stays packed', gzipSync(bomb), { extracted: extracted(1024) }],
    ['no gzip', Buffer.from('PK\x03\x04 or something else'), {}],
    ['nothing at all', Buffer.alloc(0), {}],
    ['a header alone', header(0), {}],
    ['a name without an end', Buffer.concat([header(FNAME), Buffer.alloc(MB, 'a')]), {}],
    ['a lost end', gzipSync(plain).subarray(0, -9), {}],
    ['a wrong checksum', damagedAt(gzipSync(plain), -8), {}],
    ['junk behind it', Buffer.concat([gzipSync(plain), Buffer.from('junk')]), {}],
    ['zeros behind it', Buffer.concat([gzipSync(plain), Buffer.alloc(512)]), {}],
  ];
  it.each(cases)('%s', async (_, served, fields) => {
    const data = await smallDataset({ images: archive(IMAGES, plain, { served, fields }) });
    let most = 0;
    const [file] = (
      await data.download({
        onEvent: () => {
          sizeOfTemporaries(data.paths.temporaries).then((size) => {
            most = Math.max(most, size);
          });
        },
      })
    ).files;
    expect(file!.error).toMatchObject({ code: 'BAD_GZIP', message: expect.stringContaining(`${IMAGES}.gz`) });
    expect(existsSync(data.paths.final(IMAGES))).toBe(false);
    expect(await readdir(data.paths.temporaries).catch(() => [])).toEqual([]); // gone when nothing came
    expect(most).toBeLessThan(80 * MB);
  });

  it('is unpacked no further than the manifest says, whatever it holds', async () => {
    const whole = archive(IMAGES, plain, { fields: { extracted: extracted(plain.length - 1) } });
    const data = await smallDataset({ images: whole });
    expect((await data.download()).files[0]!.error).toMatchObject({
      code: 'BAD_GZIP',
      message: expect.stringContaining(String(plain.length - 1)),
    });
  });
});

function damagedAt(bytes: Buffer, at: number): Buffer {
  const index = bytes.length + at;
  bytes[index] = bytes[index]! ^ 0xff;
  return bytes;
}

async function sizeOfTemporaries(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (s) => s.size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((a, b) => a + b, 0);
}
