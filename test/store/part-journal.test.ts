/** The journal claims what was written to it, and nothing that it cannot read. */
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type JournalContent, PartJournal } from '#pcam/store/part-journal.js';
import { plainFile } from '../support/files.js';
import { temporaryFolder } from '../support/temp.js';
import { workspaceIn } from '../support/workspace.js';

const { file } = plainFile('a.csv', Buffer.alloc(100));
const NOTHING: JournalContent = { ranges: [], validators: new Map(), size: undefined };
const A = { start: 0, end: 10, crc: 0x9ae0daaf, source: 'gdrive' };
const B = { start: 10, end: 20, crc: 0, source: 'zenodo' };

async function written() {
  const folder = await temporaryFolder();
  const path = join(folder, 'parts', 'a.journal');
  const workspace = await workspaceIn(folder);
  const journal = await PartJournal.create(path, file, { ...NOTHING, size: 100 }, workspace);
  await Promise.all([
    journal.addRange(A),
    journal.addValidator('gdrive', '"a \\" b"'),
    journal.addRange(B),
    journal.addSize(99),
  ]);
  await journal.close();
  return { path, workspace };
}

describe('PartJournal', () => {
  it('reads what it wrote', async () => {
    const content = await PartJournal.read((await written()).path, file);
    expect(content).toEqual({ ranges: [A, B], validators: new Map([['gdrive', '"a \\" b"']]), size: 99 });
  });

  it('writes again what it read', async () => {
    const { path, workspace } = await written();
    const content = await PartJournal.read(path, file);
    await (await PartJournal.create(path, file, content, workspace)).close();
    expect(await PartJournal.read(path, file)).toEqual(content);
  });

  it('claims nothing where there is none', async () => {
    expect(await PartJournal.read(join(await temporaryFolder(), 'none'), file)).toEqual(NOTHING);
  });

  it('claims nothing for another version of the file', async () => {
    const { path } = await written();
    for (const other of [{ md5: 'f'.repeat(32) }, { bytes: 101 }, { bytes: undefined }, { name: 'b.csv' }]) {
      expect(await PartJournal.read(path, { ...file, ...other })).toEqual(NOTHING);
    }
  });

  it('does not believe a line that was torn, wherever it was', async () => {
    const { path } = await written();
    const text = await readFile(path, 'utf8');
    const lines = text.split('\n');
    for (let length = text.length - 1; length >= 0; length--) {
      await truncate(path, length);
      const { ranges } = await PartJournal.read(path, file);
      const whole = text.slice(0, length).split('\n').length - 1;
      expect(ranges).toEqual(
        [A, B].filter(
          (range) => lines.findIndex((l) => l.includes(range.source) && l.startsWith('r')) < whole,
        ),
      );
    }
  });

  it.each([
    'garbage',
    'r 10 5 0 gdrive',
    'r -1 5 0 gdrive',
    'r 0 9999999999999999 0 gdrive',
    'r 0 5 xyz gdrive',
    'r 0 5 0',
    'v gdrive "open',
    's -5',
    's 9999999999999999',
    '\0\0\0\0',
    '',
  ])('passes over %j', async (line) => {
    const { path } = await written();
    await appendFile(path, `${line}\n`);
    expect(await PartJournal.read(path, file)).toMatchObject({ ranges: [A, B], size: 99 });
  });

  it('passes over bytes that are no text', async () => {
    const { path } = await written();
    await writeFile(path, Buffer.alloc(1000, 0xff));
    expect(await PartJournal.read(path, file)).toEqual(NOTHING);
  });
});
