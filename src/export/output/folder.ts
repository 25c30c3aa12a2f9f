/**
 * The output folder of an export, which several jobs may write at once: the whole, or one part of several each.
 *
 *     <out>/.pcam-tmp/<job>.lock        keeps a second run of the same job out
 *     <out>/.pcam-tmp/<job>/RUN/        temporary files of a run
 *     <out>/.pcam-tmp/SPLIT/index.json  claims a split: its recipe and input, without shards
 *     <out>/.pcam-tmp/SPLIT/12.json     the record of shard 12: an index of that shard alone
 *     <out>/index.json                  put together from the records by whoever finds them complete
 *
 * A record is in place before its shard, so a shard without one is no shard. What a record says is verified before it is
 * believed. Every file gets its name by a rename out of the run's own directory: a run that replaces the export removes
 * these directories first, so that a late rename fails.
 */
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
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
import { SPLITS, type SplitName } from '../../manifest/index.js';
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
const JOB = /^(whole|cleaning|part-\d+-of-\d+)(\.lock)?$/;
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
  { out, part, signal }: OutputOptions,
  work: (folder: OutputFolder) => Promise<T>,
): Promise<T> {
  const job = part ? `part-${part.index}-of-${part.of}` : 'whole';
  try {
    await makeFolder(out);
    const result = await withJob({ out, job, signal }, async (run) => {
      const folder = new OutputFolder(out, job, run);
      return await work(folder).catch(async (error) => {
        await folder.withdrawEmptyClaims().catch(() => {});
        throw error;
      });
    });
    await cleanUp(out);
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
async function cleanUp(out: string): Promise<void> {
  const clean = (run: RunFolder) => new OutputFolder(out, CLEANING, run).removeRecords().catch(() => {});
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      return await withJob({ out, job: CLEANING }, clean);
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
    return await withLock(
      { path: join(out, STATE, `${job}.lock`), temporaries, command: 'export', signal },
      work,
    );
  } finally {
    await rmdir(temporaries).catch(() => {});
  }
}

export class OutputFolder {
  readonly run: RunFolder;
  readonly #out: string;
  readonly #job: string;
  /** The text of each claim that this run has made. */
  readonly #claims = new Map<SplitName, string>();

  constructor(out: string, job: string, run: RunFolder) {
    this.#out = out;
    this.#job = job;
    this.run = run;
  }

  /**
   * Claims the folder for one export.
   * @param options.force remove another export that is there; what no run has begun to write is removed anyway
   * @returns the records of the shards that are there
   * @throws PcamError OUTPUT_MISMATCH when it holds another export
   */
  async claim(header: ExportHeader, { force }: { force: boolean }): Promise<ReadonlyMap<string, FileRecord>> {
    try {
      return await this.#claimSplits(header);
    } catch (error) {
      if (!(error instanceof PcamError) || error.code !== 'OUTPUT_MISMATCH') throw error;
      const isEmpty = await this.#isEmpty();
      if (!force && !isEmpty) throw error;
      if (this.#job !== 'whole' && !isEmpty) {
        // The shards of other parts may be there already, and look just like those to be removed.
        throw new PcamError('OUTPUT_MISMATCH', error.message, {
          hint: 'one part of several does not replace an export, as another part may be writing here: empty the folder first, or choose another one',
          options: ['out'],
        });
      }
      await this.#clear();
      return await this.#claimSplits(header);
    }
  }

  /** Compared before, so that nothing is claimed in vain, and after: of several runs, the first claim counts. */
  async #claimSplits(header: ExportHeader): Promise<ReadonlyMap<string, FileRecord>> {
    await this.#read(header);
    for (const { split } of header.splits) await this.#claimSplit(header, split);
    return (await this.#read(header)).records;
  }

  /** The directory appears with its claim in it; where there is one, the first claim stays. */
  async #claimSplit(header: ExportHeader, split: SplitName): Promise<void> {
    const claim = this.run.path(`${split}.claim`);
    await rm(claim, { recursive: true, force: true });
    await mkdir(claim);
    const text = renderIndex({ ...headerOf(header, [split]), records: new Map() });
    this.#claims.set(split, text);
    await writeFile(join(claim, INDEX_FILE), text, { flag: 'wx', flush: true });
    await rename(claim, this.#state(split)).catch(async (error) => {
      if ((await namesIn(this.#state(split))).length === 0) throw error;
    });
  }

  /** Gives the files of a shard their final names, after its record. */
  async commit(header: ExportHeader, { task, records, temporaries }: FinishedShard): Promise<void> {
    const own = new Map(records.map((record) => [record.file, record]));
    const text = renderIndex({ ...headerOf(header, [task.split]), records: own });
    const path = this.#state(task.split, `${task.number}.json`);
    await this.run.write(path, text).catch(async (error) => {
      if (systemCode(error) !== 'ENOENT') throw error;
      // Another run found its export whole, and removed the records.
      await this.#claimSplits(header);
      await this.run.write(path, text);
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
    await this.#stopOthers();
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
    await this.#withdrawClaims();
    // Again: a job may have begun meanwhile, and have read the claims before they were withdrawn.
    await this.#stopOthers();
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
   * @throws PcamError LOCKED when another job is at work here
   */
  async #stopOthers(): Promise<void> {
    const names = (await namesIn(this.#state())).filter((name) => JOB.test(name));
    for (const job of new Set(names.map((name) => name.replace(/\.lock$/, '')))) {
      if (job !== this.#job) await withJob({ out: this.#out, job }, async () => {});
    }
  }

  /**
   * Removes the records of what the index lists.
   * @throws PcamError LOCKED when another job is at work here: it may be about to write an index from them
   */
  async removeRecords(): Promise<void> {
    await this.#stopOthers();
    const index = await this.#readIndex(INDEX_FILE);
    await this.#withdrawClaims(index?.splits.map(({ split }) => split) ?? []);
  }

  /** Takes claims away, in one step each and the records with them. */
  async #withdrawClaims(splits: readonly SplitName[] = SPLITS): Promise<void> {
    for (const split of splits) {
      const to = this.run.path(`${split}.withdrawn`);
      await rename(this.#state(split), to).catch((error) => {
        if (systemCode(error) !== 'ENOENT') throw error;
      });
      await rm(to, { recursive: true, force: true });
    }
  }

  /** After an error: a claim without records would keep other exports out for nothing. */
  async withdrawEmptyClaims(): Promise<void> {
    for (const [split, text] of this.#claims) {
      const hasRecords = (await namesIn(this.#state(split))).some((name) => name !== INDEX_FILE);
      const isOurs = (await this.#readText(`${STATE}/${split}/${INDEX_FILE}`)) === text;
      if (isOurs && !hasRecords) await this.#withdrawClaims([split]);
    }
  }

  /** Whether no run has written anything yet. */
  async #isEmpty(): Promise<boolean> {
    if ((await this.#readText(INDEX_FILE)) !== undefined) return false;
    for (const split of SPLITS) {
      if ((await namesIn(this.#state(split))).some((name) => name !== INDEX_FILE)) return false;
    }
    return true;
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

  /** Claims and records, then the index: a run that withdraws records has written the index before. */
  async #indexes({ damaged }: { damaged: 'ignored' | 'refused' }): Promise<ExportIndex[]> {
    const found: ExportIndex[] = [];
    for (const split of SPLITS) {
      await requireOwnFolder(this.#state(split));
      for (const name of (await namesIn(this.#state(split))).sort()) {
        // A damaged record counts as none: its shard is written again.
        const ignore = damaged === 'ignored' || name !== INDEX_FILE;
        const index = await this.#readIndex(`${STATE}/${split}/${name}`).catch(
          ignore ? ifMismatch : undefined,
        );
        if (index) found.push(index);
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
