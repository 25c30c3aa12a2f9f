/** Zip archives that are made to hurt, or that a browser has spoilt: one clear line each, and nothing is written. */
import { existsSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { PcamEvent } from '#pcam/core/events.js';
import { put } from '../support/files.js';
import { contents, type SmallDataset, smallDataset } from './small.js';

const LIST = Buffer.from('PK\x01\x02');
const LOCAL = Buffer.from('PK\x03\x04');
const END = Buffer.from('PK\x05\x06');

/** A zip archive with the images of a data set, then spoilt. */
async function withZip(spoil: (zip: Buffer, data: SmallDataset) => Buffer, level: 0 | 6 = 6) {
  const data = await smallDataset();
  const { file, served } = data.images;
  const good = Buffer.from(zipSync({ [`pcamv1/${file.name}`]: served }, { level }));
  const from = await put(join(data.root, 'from'), { 'pcamv1.zip': spoil(good, data) });
  return { data, from };
}

/** Downloads, and expects the files to come from the source, and one line that says what is wrong with the archive. */
async function expectRefused({ data, from }: Awaited<ReturnType<typeof withZip>>, reason: RegExp) {
  const before = await contents(from);
  const events: PcamEvent[] = [];
  const { ok, files } = await data.download({ from, onEvent: (event) => events.push(event) });
  expect({ ok, status: files[0]!.status }).toEqual({ ok: true, status: 'downloaded' });
  const notices = events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
  expect(notices.filter((notice) => reason.test(notice))).toHaveLength(1);
  expect(await contents(from)).toEqual(before);
}

/** Writes a number into the first entry of the list of members. */
function edit(zip: Buffer, field: number, value: number, bytes: 2 | 4 = 4): Buffer {
  zip.writeUIntLE(value, zip.indexOf(LIST) + field, bytes);
  return zip;
}

describe('a member', () => {
  it('that is encrypted', async () => {
    await expectRefused(await withZip((zip) => edit(zip, 8, 1, 2)), /pcamv1\/.* is encrypted/);
  });

  it('of a method that pcam does not read', async () => {
    await expectRefused(await withZip((zip) => edit(zip, 10, 14, 2)), /compressed by method 14/);
  });

  it('that inflates to more than is listed is not inflated any further', async () => {
    const bomb = (_: Buffer, { images }: SmallDataset) => {
      const zeros = zipSync({ a: new Uint8Array(50_000_000) }, { level: 9 });
      return edit(Buffer.from(zeros), 24, images.served.length);
    };
    await expectRefused(await withZip(bomb), /has more than the \d+ bytes that are listed/);
  });

  it('that is listed with terabytes and inflates to as many is not read, as nothing has that size', async () => {
    await expectRefused(
      await withZip((zip) => edit(zip, 24, 0xfffffffe)),
      /has 4294967294 bytes, .* neither the whole nor a beginning/,
    );
  });

  it('that is shorter than it is listed', async () => {
    const short = (_: Buffer, { images }: SmallDataset) => {
      const zip = Buffer.from(zipSync({ a: images.served.subarray(1) }, { level: 6 }));
      return edit(zip, 24, images.served.length);
    };
    await expectRefused(await withZip(short), /are listed/);
  });

  it('whose data are damaged', async () => {
    await expectRefused(
      await withZip((zip) => zip.fill(0xff, zip.length / 2, zip.length / 2 + 1000)),
      /is damaged|other bytes/,
    );
  });

  it('whose stored bytes are others', async () => {
    await expectRefused(await withZip((zip) => zip.fill(7, 5000, 5100), 0), /other bytes/);
  });

  it('that is said to be elsewhere, or beyond the end', async () => {
    await expectRefused(await withZip((zip) => edit(zip, 42, 10)), /is not where it is listed/);
    await expectRefused(await withZip((zip) => edit(zip, 42, 0xfffffff0)), /is cut short/);
  });

  it('whose size takes a zip64 field that is not there', async () => {
    await expectRefused(await withZip((zip) => edit(zip, 24, 0xffffffff)), /damaged zip64 field/);
  });

  it('that is a link, under a name that leads out: the bytes count, and nothing is made by its name', async () => {
    const { data, from } = await withZip((_, { images }) => {
      const zip = zipSync({ '../../../outside/evil.gz': [images.served, { os: 3, attrs: 0o120777 << 16 }] });
      return Buffer.from(zip);
    });
    const { files } = await data.download({ from });
    expect(files[0]!.status).toBe('imported');
    expect(existsSync(join(data.root, 'outside'))).toBe(false);
    expect(existsSync(join(data.root, '..', 'outside'))).toBe(false);
  });
});

describe('an archive', () => {
  it('that is cut short, at any place', async () => {
    for (const part of [0, 1, 21, 1000]) {
      const { data, from } = await withZip((zip) => zip);
      await truncate(join(from, 'pcamv1.zip'), part);
      await expectRefused({ data, from }, /is not a zip archive, or is cut short/);
    }
  });

  it('whose list is damaged, is said to be elsewhere, or is larger than the file', async () => {
    const at = (zip: Buffer, field: number, value: number) => {
      zip.writeUInt32LE(value, zip.indexOf(END) + field);
      return zip;
    };
    await expectRefused(await withZip((zip) => at(zip, 16, 3)), /damaged list/);
    await expectRefused(await withZip((zip) => at(zip, 16, 0xfffffff0)), /cut short/);
    await expectRefused(await withZip((zip) => at(zip, 12, 50_000_000)), /cut short/);
    await expectRefused(await withZip((zip) => at(zip, 12, 0xfffffff0)), /more members than pcam reads/);
    await expectRefused(await withZip((zip) => edit(zip, 28, 0xffff, 2)), /damaged list/);
  });

  it('that is a web page, or thousands of headers', async () => {
    await expectRefused(await withZip(() => Buffer.from('<html>quota')), /is not a zip archive/);
    await expectRefused(
      await withZip(() => Buffer.concat(Array(10_000).fill(LOCAL))),
      /is not a zip archive/,
    );
    await expectRefused(
      await withZip(() => Buffer.concat(Array(10_000).fill(END))),
      /more members than pcam reads/,
    );
  });

  it('with control characters in a name cannot write to the terminal, and does no harm', async () => {
    const { data, from } = await withZip((_, { images }) =>
      Buffer.from(zipSync({ '\x1b[2Jx\n.gz': images.served })),
    );
    expect((await data.download({ from })).files[0]!.status).toBe('imported');
  });

  it.each(Array.from({ length: 8 }, (_, seed) => seed))(
    'with random bytes in its records (%i)',
    async (seed) => {
      const { data, from } = await withZip((zip) => {
        const list = zip.indexOf(LIST);
        for (let i = 0; i < 12; i++)
          zip[list + ((seed * 131 + i * 37) % (zip.length - list))] = (seed * 89 + i * 53) & 255;
        return zip;
      });
      expect((await data.download({ from })).ok).toBe(true);
    },
  );
});
