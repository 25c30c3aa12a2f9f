/** What a download does to its folder, by the real code, and what must hold of the folder at any time. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { OwnedLayout } from '#pcam/store/layout.js';
import { withDataFolder } from '#pcam/store/owned.js';
import { PartialFile, removePartials } from '#pcam/store/partial.js';
import { Receipts } from '#pcam/store/receipts.js';
import { TestClock } from '../support/clock.js';
import { plainFile } from '../support/files.js';
import type { MemoryDisk } from './memory-disk.js';

const RIGHT = Buffer.from('right-bytes!');
const WRONG = Buffer.from('wrong-bytes!');
const MD5 = md5Of(RIGHT);
const { file } = plainFile('part.csv', RIGHT);
const DIR = '/model/pcam';
const UNPACKED = 'unpacked.h5';
const RECEIPTS = '.pcam/receipts.json';
const FINALS = [file.name, UNPACKED];
const WATCHED = [RECEIPTS, ...FINALS].map((name) => `${DIR}/${name}`);

/** Names whose change can make the folder wrong. */
export const VISIBLE = new RegExp(` (${[...FINALS, 'receipts.json'].join('|').replaceAll('.', '\\.')})$`);

/** Commits one file from its partial download, and one from a temporary. */
export async function download({ bad }: { bad: boolean }): Promise<void> {
  await withDataFolder({ dir: DIR, command: 'download', clock: new TestClock() }, async (paths) => {
    const receipts = new Receipts(paths, paths.run);
    await fromPartial(paths, receipts, bad);
    await fromTemporary(paths, receipts);
  });
}

async function fromPartial(paths: OwnedLayout, receipts: Receipts, bad: boolean): Promise<void> {
  const partial = await PartialFile.open(file, { folder: paths.partial, run: paths.run });
  try {
    for (const bytes of bad ? [WRONG, RIGHT] : [RIGHT]) {
      if (!partial.chunks.has(0)) await partial.write(0, bytes, 'web');
      await partial.flush();
      const read = await open(partial.path, constants.O_RDONLY);
      const md5 = md5Of(await read.readFile());
      const digested = await read.stat({ bigint: true });
      await read.close();
      if (md5 !== MD5) {
        await partial.discard('everything');
        continue;
      }
      await partial.close();
      const stats = await paths.run.commit(partial.path, paths.final(file.name), { digested });
      await receipts.record(file.name, stats, { md5 });
      return await removePartials(paths.partial, file, paths.run);
    }
  } finally {
    await partial.close();
  }
}

async function fromTemporary({ run, final }: OwnedLayout, receipts: Receipts): Promise<void> {
  const temporary = run.path(UNPACKED);
  const handle = await open(temporary, 'wx');
  await handle.write(RIGHT, 0, 6, 0);
  await handle.write(RIGHT, 6, RIGHT.length - 6, 6);
  const digested = await handle.stat({ bigint: true });
  await handle.close();
  const stats = await run.commit(temporary, final(UNPACKED), { digested });
  await receipts.record(UNPACKED, stats, { md5: MD5 });
}

/** Tells what is wrong in a folder, after each of its changes: a final name must hold right bytes, and a receipt be true. */
export function watcher(): (disk: MemoryDisk) => string | undefined {
  const before: unknown[] = [];
  return (disk) => {
    let changed = false;
    for (const [i, path] of WATCHED.entries()) {
      const there = disk.read(path);
      changed ||= before[2 * i] !== there?.data || before[2 * i + 1] !== there?.mtime;
      before[2 * i] = there?.data;
      before[2 * i + 1] = there?.mtime;
    }
    return changed ? wrongIn(disk) : undefined;
  };
}

function wrongIn(disk: MemoryDisk): string | undefined {
  for (const name of FINALS) {
    const there = disk.read(`${DIR}/${name}`);
    if (there && !there.data.equals(RIGHT)) return `${name} holds ${there.data}`;
  }
  const text = disk.read(`${DIR}/${RECEIPTS}`)?.data.toString() ?? '{"files":{}}';
  const { files } = JSON.parse(text) as { files: Record<string, Record<string, string>> };
  for (const [name, { inode, mtime, md5 }] of Object.entries(files)) {
    const there = disk.read(`${DIR}/${name}`);
    const same = there && String(there.ino) === inode && String(there.mtime) === mtime;
    if (md5 !== MD5 || (same && md5Of(there.data) !== md5)) return `the receipt of ${name} is not true`;
  }
  return undefined;
}

/** What a download that went well leaves besides: nothing. */
export function leftIn(disk: MemoryDisk): string[] {
  return [...(disk.read(`${DIR}/.pcam/tmp`)?.entries.keys() ?? [])];
}

function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
