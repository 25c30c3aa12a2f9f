/**
 * The output folder of an export, which several jobs may write at once: the whole, or one part of several each.
 *
 *     <out>/.pcam-tmp/KEY.JOB.lock       keeps a second run of the same job out
 *     <out>/.pcam-tmp/KEY.JOB/RUN/       temporary files of a run
 *     <out>/.pcam-tmp/KEY.SPLIT/12.json  the record of shard 12: an index of that shard alone
 *     <out>/index.json                   put together from the records by the job that finds them complete
 *
 * KEY is a digest of recipe and input: jobs with another key are refused while one of these is at work. A record is in
 * place before its shard, and is verified before it is believed; a shard without one is written again. Every file gets its
 * name by a rename out of the run's own directory: a run that replaces an export removes the directories of others
 * first, so that a late rename of theirs fails.
 */
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fsError, PcamError, systemCode } from '../../core/index.js';
import {
  makeFolder,
  type RunFolder,
  readSmallFile,
  requireNoLinks,
  requireOwnFolder,
  statFile,
  withLock,
} from '../../fs/index.js';
import type { SplitName } from '../../manifest/index.js';
import { parseList } from '../encode/index.js';
import { describeExport, findFormat, type ShardTask } from '../formats/index.js';
import {
  type Difference,
  difference,
  type ExportHeader,
  type ExportIndex,
  type FileRecord,
  headerOf,
  INDEX_FILE,
  isSafeName,
  mergeIndexes,
  parseIndex,
  renderIndex,
} from './index-file.js';
import type { TemporaryFile } from './shard-files.js';

/** On the file system of the shards, so that a rename is enough. Gone once the export is whole. */
const STATE = '.pcam-tmp';
const CLEANING = 'cleaning';
const JOB = /^([0-9a-f]{16}\.(?:whole|cleaning|part-\d+-of-\d+))(?:\.lock)?$/;
const RECORDS = /^[0-9a-f]{16}\.(train|valid|test)$/;
/** How often, and at what interval (ms), a job waits for another one that is cleaning up. */
const MAX_TRIES = 40;
const RETRY_MS = 25;
/** An index has some 200 bytes per shard, and a shard may be a single patch. */
const MAX_INDEX_BYTES = 256 * 1024 * 1024;
const MAX_CONCURRENT_RENAMES = 128;

/** `index` (from 1) of `of` jobs that share the work. */
export interface Part {
  readonly index: number;
  readonly of: number;
}

export interface OutputOptions {
  out: string;
  /** Digest of recipe and input. */
  key: string;
  part: Part | undefined;
  signal?: AbortSignal;
}

/** A shard that was written, and waits for its name. */
export interface FinishedShard {
  readonly task: ShardTask;
  readonly records: readonly FileRecord[];
  readonly temporaries: readonly TemporaryFile[];
}

/**
 * Runs `work` as the only run of this job in the output folder.
 * @throws PcamError LOCKED, NOT_A_FOLDER, NO_PERMISSION, DISK_FULL
 */
export async function withOutputFolder<T>(
  { out, key, part, signal }: OutputOptions,
  work: (folder: OutputFolder) => Promise<T>,
): Promise<T> {
  const job = `${key}.${part ? `part-${part.index}-of-${part.of}` : 'whole'}`;
  try {
    await makeFolder(out);
    const result = await withJob({ out, job, signal }, (run) => work(new OutputFolder(out, job, run)));
    await cleanUp(out, `${key}.${CLEANING}`);
    return result;
  } catch (error) {
    throw fsError(error, `writing ${out}`);
  } finally {
    await rmdir(join(out, STATE)).catch(() => {});
  }
}

/**
 * Removes the records of a whole export. A job does so when it has released its own lock, and waits for others that do
 * the same: so the last one finds nobody at work. Whatever goes wrong here: the export is there, and the next run tries.
 */
async function cleanUp(out: string, job: string): Promise<void> {
  const clean = (run: RunFolder) => new OutputFolder(out, job, run).removeRecords().catch(() => {});
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      return await withJob({ out, job }, clean);
    } catch {
      await setTimeout(RETRY_MS);
    }
  }
}

async function withJob<T>(
  { out, job, signal }: { out: string; job: string; signal?: AbortSignal },
  work: (run: RunFolder) => Promise<T>,
): Promise<T> {
  const temporaries = join(out, STATE, job);
  await requireOwnFolder(join(out, STATE));
  try {
    return await withLock({ path: `${temporaries}.lock`, temporaries, command: 'export', signal }, work);
  } finally {
    await rmdir(temporaries).catch(() => {});
  }
}

export class OutputFolder {
  readonly run: RunFolder;
  readonly #out: string;
  /** With the key. */
  readonly #job: string;
  readonly #key: string;

  constructor(out: string, job: string, run: RunFolder) {
    this.#out = out;
    this.#job = job;
    this.#key = job.split('.')[0]!;
    this.run = run;
  }

  /**
   * Sees to it that the folder holds no other export.
   * @param options.force remove another export that is there
   * @returns the records of the shards that are there
   * @throws PcamError OUTPUT_MISMATCH when it holds another export; LOCKED when one is being written
   */
  async open(header: ExportHeader, { force }: { force: boolean }): Promise<ReadonlyMap<string, FileRecord>> {
    // Each run has its lock before it looks for others: of two that begin at once, one at least sees the other.
    await this.#stopJobs((job) => !job.startsWith(this.#key));
    try {
      return (await this.#read(header)).records;
    } catch (error) {
      if (!force || !(error instanceof PcamError) || error.code !== 'OUTPUT_MISMATCH') throw error;
      if (this.#job !== `${this.#key}.whole`) {
        // The shards of other parts may be there already, and look just like those to be removed.
        throw new PcamError('OUTPUT_MISMATCH', error.message, {
          hint: 'one part of several does not replace an export, as another part may be writing here: empty the folder first, or choose another one',
          options: ['out'],
        });
      }
      await this.#clear();
      return new Map();
    }
  }

  /** Gives the files of a shard their final names, after its record. */
  async commit(header: ExportHeader, { task, records, temporaries }: FinishedShard): Promise<void> {
    const own = new Map(records.map((record) => [record.file, record]));
    const text = renderIndex({ ...headerOf(header, [task.split]), records: own });
    await this.#writeRecord(task, text).catch(async (error) => {
      if (systemCode(error) !== 'ENOENT') throw error;
      await this.#writeRecord(task, text); // another job had the whole export, and removed the records
    });
    await this.#makeFolders(temporaries.map(({ file }) => dirname(file)));
    // Loose files are not flushed one by one, which would take most of the time: after a power loss, their digests tell.
    const loose = temporaries.filter(({ identity }) => !identity);
    for (let i = 0; i < loose.length; i += MAX_CONCURRENT_RENAMES) {
      const some = loose.slice(i, i + MAX_CONCURRENT_RENAMES);
      await Promise.all(some.map(({ path, file }) => rename(path, join(this.#out, file))));
    }
    for (const { path, file, identity } of temporaries) {
      if (identity) await this.run.commit(path, join(this.#out, file), { digested: identity });
    }
  }

  async #writeRecord({ split, number }: ShardTask, text: string): Promise<void> {
    const folder = this.#state(`${this.#key}.${split}`);
    await requireOwnFolder(folder);
    await makeFolder(folder);
    await this.run.write(join(folder, `${number}.json`), text);
  }

  async #makeFolders(folders: readonly string[]): Promise<void> {
    for (const folder of new Set(folders.filter((name) => name !== '.'))) {
      await requireNoLinks(this.#out, [folder]);
      await makeFolder(join(this.#out, folder));
    }
  }

  /**
   * Writes the index, and what describes the export, once every shard of its splits is there, whoever wrote it.
   * @param labels of the patches of a split, in the order of the export
   */
  async finish(header: ExportHeader, labels: (split: SplitName) => Uint8Array): Promise<void> {
    // Repeated, as another run may write an older index meanwhile: the one that reads the records last has them all.
    for (let before: string | undefined; ; ) {
      const whole = await this.#wholeSplits(header);
      if (!header.splits.every(({ split }) => whole.splits.some((one) => one.split === split))) return;
      const text = renderIndex(whole);
      if (text === before && text === (await this.#readText(INDEX_FILE))) break;
      for (const { file, text } of describeExport(whole, labels))
        await this.#write(file, text(await this.#readText(file)));
      await this.#write(INDEX_FILE, text);
      before = text;
    }
  }

  /** What an index can say: splits of which every shard is there. A record alone may be that of a killed run. */
  async #wholeSplits(header: ExportHeader): Promise<ExportIndex> {
    const all = await this.#read(header);
    const { recipe } = all;
    const { plan } = findFormat(recipe.format, recipe.layout);
    const indexed = (await this.#readIndex(INDEX_FILE))?.splits ?? [];
    const whole = indexed.map(({ split }) => split);
    for (const split of all.splits) {
      if (whole.includes(split.split)) continue;
      const files = plan({ split, recipe }).flatMap((task) => task.files);
      if (await this.#haveNames(files.map(({ file }) => all.records.get(file)))) whole.push(split.split);
    }
    const records = [...all.records].filter(([, { split }]) => whole.includes(split));
    return { ...headerOf(all, whole), records: new Map(records) };
  }

  async #haveNames(records: readonly (FileRecord | undefined)[]): Promise<boolean> {
    for (const record of records) {
      if (!record) return false;
      const stats = await statFile(join(this.#out, record.file));
      if (stats?.size !== BigInt(record.bytes)) return false;
    }
    return true;
  }

  async #write(file: string, text: string): Promise<void> {
    await requireNoLinks(this.#out, [file]);
    await this.run.write(join(this.#out, file), text);
  }

  /**
   * Removes the export that is there: its own files, by the names in its index and records.
   * @throws PcamError LOCKED when another job is at work here; NOT_A_FOLDER when a link is among the names
   */
  async #clear(): Promise<void> {
    await this.#stopJobs(() => true);
    const files = new Set<string>();
    for (const index of await this.#indexes({ damaged: 'ignored' })) {
      for (const { file } of describeExport(index)) files.add(file);
      for (const { file, contents } of index.records.values()) {
        files.add(file);
        if (!contents) continue;
        for (const listed of parseList((await this.#readText(file)) ?? '')) files.add(listed.file);
      }
    }
    const safe = [...files].filter(isSafeName);
    await requireNoLinks(this.#out, safe);
    // Index and records first: an index of a half-removed export would be believed.
    await this.run.remove(join(this.#out, INDEX_FILE));
    for (const name of await this.#recordFolders()) await this.#removeRecords(name);
    const folders = new Set<string>();
    for (const file of safe) {
      await this.run.remove(join(this.#out, file));
      for (let up = dirname(file); up !== '.'; up = dirname(up)) folders.add(up);
    }
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
      await rmdir(join(this.#out, folder)).catch(() => {});
    }
  }

  /**
   * Takes the locks of other jobs for a moment, so that what a killed or suspended one still does fails.
   * @throws PcamError LOCKED when one of them is at work here
   */
  async #stopJobs(isMeant: (job: string) => boolean): Promise<void> {
    const jobs = (await namesIn(this.#state())).map((name) => JOB.exec(name)?.[1] ?? this.#job);
    for (const job of new Set(jobs)) {
      if (job !== this.#job && isMeant(job)) await withJob({ out: this.#out, job }, async () => {});
    }
  }

  /**
   * Removes the records of what the index lists.
   * @throws PcamError LOCKED when another job is at work here: it may be about to write an index from them
   */
  async removeRecords(): Promise<void> {
    await this.#stopJobs(() => true);
    const index = await this.#readIndex(INDEX_FILE);
    for (const { split } of index?.splits ?? []) await this.#removeRecords(`${this.#key}.${split}`);
  }

  /** All records of a split, in one step. */
  async #removeRecords(folder: string): Promise<void> {
    const removed = this.run.path(`${folder}.removed`);
    await rename(this.#state(folder), removed).catch((error) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
    await rm(removed, { recursive: true, force: true });
  }

  async #recordFolders(): Promise<string[]> {
    return (await namesIn(this.#state())).filter((name) => RECORDS.test(name)).sort();
  }

  /** @throws PcamError OUTPUT_MISMATCH when the folder holds another export than `header` describes */
  async #read(header: ExportHeader): Promise<ExportIndex> {
    const indexes = await this.#indexes({ damaged: 'refused' });
    for (const index of indexes) {
      const problem = difference(index, header);
      if (problem) throw mismatch(this.#out, problem);
    }
    return mergeIndexes(header, indexes);
  }

  /** The records, then the index: a job that removes records has written the index before. */
  async #indexes({ damaged }: { damaged: 'ignored' | 'refused' }): Promise<ExportIndex[]> {
    const found: ExportIndex[] = [];
    for (const folder of await this.#recordFolders()) {
      await requireOwnFolder(this.#state(folder));
      for (const name of (await namesIn(this.#state(folder))).sort()) {
        // A damaged record counts as none: its shard is written again.
        const record = await this.#readIndex(`${STATE}/${folder}/${name}`).catch(ifMismatch);
        if (record) found.push(record);
      }
    }
    const index = await this.#readIndex(INDEX_FILE).catch(damaged === 'ignored' ? ifMismatch : undefined);
    return index ? [...found, index] : found;
  }

  async #readIndex(file: string): Promise<ExportIndex | undefined> {
    const text = await this.#readText(file);
    return text === undefined ? undefined : parseIndex(text, join(this.#out, file));
  }

  /** @returns undefined when there is no such file */
  async #readText(file: string): Promise<string | undefined> {
    const path = join(this.#out, file);
    try {
      return await readSmallFile(path, { maxBytes: MAX_INDEX_BYTES, follow: false });
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined;
      throw fsError(error, `reading ${path}`);
    }
  }

  #state(...names: string[]): string {
    return join(this.#out, STATE, ...names);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return [];
    throw fsError(error, `reading ${folder}`);
  }
}

function mismatch(out: string, { words, about }: Difference): PcamError {
  return new PcamError('OUTPUT_MISMATCH', `${out} holds another export: ${words}`, {
    about,
    hint: 'choose another folder, or replace this export',
    options: ['out', 'force'],
  });
}

/** What is not a regular file was not written by pcam, and is reported. */
function ifMismatch(error: unknown): undefined {
  if (error instanceof PcamError && error.code === 'OUTPUT_MISMATCH') return undefined;
  throw error;
}
