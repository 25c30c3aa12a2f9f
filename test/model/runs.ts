/** What the runs of the model do to their folder, by the real code, and what must hold of the folder at any time. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Inventory } from '#pcam/inventory/inventory.js';
import { contentsOf } from '#pcam/manifest/types.js';
import { layout, type OwnedLayout, withDataFolder } from '#pcam/store/layout.js';
import { PartialFile } from '#pcam/store/partial.js';
import { Receipts } from '#pcam/store/receipts.js';
import { TestClock } from '../support/clock.js';
import { manifestOf, plainFile } from '../support/files.js';
import type { Disk, Inode } from './disk.js';

const DIR = '/model/pcam';
/** Two chunks. */
const KEPT = plainFile('kept.csv', Buffer.alloc(256 * 1024 + 8, 'right'), { split: 'train' });
const WRONG = Buffer.alloc(KEPT.plain.length, 'wrong');
/** Runs may want another content under this name, as with `--force` and another manifest. */
export const MADE = [Buffer.from('first content'), Buffer.from('other content')] as const;
const made = plainFile('made.csv', MADE[0], { split: 'valid' });
const manifest = manifestOf([KEPT, made], { web: { type: 'http', baseUrl: 'http://127.0.0.1:1' } });
const [KEPT_NAME, MADE_NAME] = [KEPT.file.name, made.file.name];

export interface Habits {
  /** What it puts under the name of the made file. */
  content?: Buffer;
  /** Its source gives a wrong chunk at first. */
  isBad?: boolean;
  /** A rule that it breaks. */
  breaks?: 'receipt after rename';
}

/** A download: one file from a temporary file, as archives are decompressed, and one from its partial download. */
export async function download({ content = MADE[0], isBad = false, breaks }: Habits): Promise<void> {
  await withDataFolder({ dir: DIR, command: 'download', clock: new TestClock() }, async (paths) => {
    const receipts = new Receipts(paths, paths.run);
    const temporary = paths.run.path(MADE_NAME);
    const handle = await open(temporary, 'wx');
    await handle.write(content, 0, 5, 0);
    await handle.write(content, 5, content.length - 5, 5);
    const digested = await handle.stat({ bigint: true });
    const digests = { md5: md5Of(content) };
    if (breaks === 'receipt after rename') await receipts.record(MADE_NAME, digested, digests);
    const stats = await paths.run.commit(temporary, paths.final(MADE_NAME), { digested });
    if (breaks === undefined) await receipts.record(MADE_NAME, stats, digests);
    await fetch(paths, receipts, isBad);
  });
}

async function fetch(paths: OwnedLayout, receipts: Receipts, isBad: boolean): Promise<void> {
  const { partial: folder, run } = paths;
  const partial = await PartialFile.open(KEPT.file, { folder, run });
  try {
    // An earlier run may have left wrong chunks.
    for (const bytes of [isBad ? WRONG : KEPT.plain, KEPT.plain, KEPT.plain]) {
      for (let index = 0; index < partial.chunks.total; index++) {
        if (partial.chunks.sourceOf(index) !== undefined) continue;
        const start = index * 256 * 1024;
        await partial.write(index, bytes.subarray(start, start + partial.chunks.lengthOf(index)), 'web');
      }
      await partial.flush();
      const read = await open(partial.path, 'r');
      const md5 = md5Of(await read.readFile());
      const digested = await read.stat({ bigint: true });
      await read.close();
      if (md5 !== KEPT.file.md5) {
        await partial.discard('everything');
        continue;
      }
      const stats = await run.commit(partial.path, paths.final(KEPT_NAME), { digested });
      await receipts.record(KEPT_NAME, stats, { md5 });
      return await partial.remove();
    }
  } finally {
    await partial.close().catch(() => {});
  }
}

/** A verification, which holds no lock. */
export async function verify(): Promise<void> {
  const receipts = new Receipts(layout(DIR));
  await new Inventory({ dir: DIR, manifest, receipts }).read(contentsOf(made.file).final);
}

/** Watches a folder: final names must hold right bytes, and receipts be true. */
export class Watcher {
  readonly #disk: Disk;
  readonly #isStrict: boolean;
  /** The receipts that were there at the last change. */
  readonly #receipts = new Map<string, Inode | undefined>();

  /** @param isStrict a receipt must come while the file has its name */
  constructor(disk: Disk, isStrict: boolean) {
    this.#disk = disk;
    this.#isStrict = isStrict;
    for (const name of [KEPT_NAME, MADE_NAME]) this.#receipts.set(name, this.#receiptOf(name));
  }

  #receiptOf(name: string): Inode | undefined {
    return this.#disk.find(`${DIR}/.pcam/receipts/${name}.json`);
  }

  /** What is wrong after a change. */
  findFault(): string | undefined {
    const [kept, madeFile] = [this.#disk.find(`${DIR}/${KEPT_NAME}`), this.#disk.find(`${DIR}/${MADE_NAME}`)];
    if (kept && !kept.data.equals(KEPT.plain)) return `${KEPT_NAME} holds wrong bytes`;
    if (madeFile && !MADE.some((content) => madeFile.data.equals(content)))
      return `${MADE_NAME} holds ${madeFile.data}`;
    return this.#findFalseReceipt(KEPT_NAME, kept) ?? this.#findFalseReceipt(MADE_NAME, madeFile);
  }

  #findFalseReceipt(name: string, file: Inode | undefined): string | undefined {
    const written = this.#receiptOf(name);
    if (!written) return undefined;
    const isNew = this.#receipts.get(name) !== written;
    this.#receipts.set(name, written);
    const { inode, mtime, md5 } = JSON.parse(written.data.toString()) as Record<string, string>;
    const isOf = file && String(file.ino) === inode && String(file.mtime) === mtime;
    if (isOf && md5Of(file.data) !== md5) return `the receipt of ${name} is not true`;
    // That of a verification, which holds no lock, may come when the file has been replaced.
    if (isNew && !isOf && this.#isStrict) return `the receipt of ${name} is of another file`;
    return undefined;
  }
}

export function contentOf(disk: Disk): Buffer | undefined {
  return disk.find(`${DIR}/${MADE_NAME}`)?.data;
}

/** What a download that went well leaves besides. */
export function leftIn(disk: Disk): string[] {
  return ['tmp', 'partial'].flatMap((name) => [...(disk.find(`${DIR}/.pcam/${name}`)?.entries.keys() ?? [])]);
}

/** Digesting is where a model would spend its time: there are only a few contents. */
const MD5S: (readonly [Buffer, string])[] = [KEPT.plain, WRONG, ...MADE].map((bytes) => [
  bytes,
  digest(bytes),
]);

function md5Of(bytes: Buffer): string {
  return MD5S.find(([content]) => content.equals(bytes))?.[1] ?? digest(bytes);
}

function digest(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}
