/** The output folder: what earlier and parallel runs left in it, and how their ledgers become one. */
import { rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fsError, PcamError, systemCode } from '../../core/index.js';
import {
  makeFolder,
  readSmallFile,
  requireNoLinks,
  requireOwnFolder,
  type Workspace,
  withWorkspace,
} from '../../fs/index.js';
import { parseList } from '../encode/index.js';
import type { ExportFormat } from '../formats/index.js';
import { type JobPaths, jobFolders, jobPaths, namesIn, otherJobs, withJob } from './jobs.js';
import { JOURNAL_FILE, parseJournal } from './journal.js';
import {
  type Difference,
  difference,
  INDEX_FILE,
  isSafeName,
  type Ledger,
  type LedgerHeader,
  mergeLedgers,
  parseIndex,
  partIndexFile,
  partName,
  renderIndex,
} from './ledger.js';
import type { Part } from './types.js';
import { describe, formatOf, isComplete } from './whole.js';

const PART_INDEX = /^index\.part-\d+-of-\d+\.json$/;
/** A line of some 200 bytes for each shard, and a shard may be a single patch. */
const LARGEST_LEDGER = 256 * 1024 * 1024;

interface FoundLedger {
  readonly path: string;
  readonly ledger: Ledger;
  /** An index, not a journal. */
  readonly finished: boolean;
}

export interface OutputOptions {
  out: string;
  part: Part | undefined;
  signal?: AbortSignal;
}

/**
 * Runs `work` as the only run of this job in the output folder. Its journal is kept for the next run when this one
 * fails after its first shard.
 * @throws PcamError LOCKED, NOT_A_FOLDER, NO_PERMISSION, DISK_FULL
 */
export async function withOutputFolder<T>(
  { out, part, signal }: OutputOptions,
  work: (folder: OutputFolder) => Promise<T>,
): Promise<T> {
  const paths = jobPaths(out, partName(part));
  const { lock, temporaries } = paths;
  try {
    await makeFolder(out);
    await requireOwnFolder(dirname(lock));
    await requireOwnFolder(paths.folder);
    return await withWorkspace({ lock, temporaries, command: 'export', signal }, async (workspace) => {
      const folder = new OutputFolder(out, part, workspace);
      let done = false;
      try {
        const result = await work(folder);
        done = true;
        return result;
      } finally {
        await folder.settle({ done }).catch(() => {});
      }
    });
  } catch (error) {
    throw fsError(error, `writing ${out}`);
  } finally {
    for (const path of [temporaries, paths.folder, dirname(paths.folder)]) await rmdir(path).catch(() => {});
  }
}

export class OutputFolder {
  readonly path: string;
  readonly workspace: Workspace;
  readonly #part: Part | undefined;
  readonly #paths: JobPaths;

  constructor(path: string, part: Part | undefined, workspace: Workspace) {
    this.path = path;
    this.workspace = workspace;
    this.#part = part;
    this.#paths = jobPaths(path, partName(part));
  }

  get journal(): string {
    return this.#paths.journal;
  }

  /**
   * What the folder holds of the export that `header` describes.
   * @throws PcamError OUTPUT_MISMATCH when it holds another one
   */
  async read(header: LedgerHeader): Promise<Ledger> {
    const found = await this.#ledgers();
    for (const { ledger } of found) {
      const problem = difference(ledger, header);
      if (problem) throw mismatch(this.path, problem);
    }
    return mergeLedgers(
      header,
      found.map(({ ledger }) => ledger),
    );
  }

  /**
   * Forgets the export that is there and removes its files, and only those: names from its own ledgers.
   * @throws PcamError LOCKED when another job is at work here; NOT_A_FOLDER when a link is among the names
   */
  async clear(): Promise<void> {
    for (const job of await otherJobs(this.path, this.#part)) await withJob(this.path, job, async () => {});
    const files = new Set<string>();
    for (const { path } of await this.#ledgerPaths()) {
      const ledger = await this.#parse(path).catch(unlessUnfit);
      if (!ledger) continue;
      for (const { file } of describe(ledger, formatOf(ledger))) files.add(file);
      for (const { file, contents } of ledger.records.values()) {
        files.add(file);
        if (!contents) continue;
        for (const listed of await readList(join(this.path, file))) files.add(listed.file);
      }
    }
    const safe = [...files].filter(isSafeName);
    await requireNoLinks(this.path, safe);
    // The ledgers first: one that describes a half-removed export would be trusted.
    for (const { path } of await this.#ledgerPaths()) await this.workspace.remove(path);
    const folders = new Set<string>();
    for (const file of safe) {
      await this.workspace.remove(join(this.path, file));
      for (let up = dirname(file); up !== '.'; up = dirname(up)) folders.add(up);
    }
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
      await rmdir(join(this.path, folder)).catch(() => {});
    }
  }

  /**
   * Writes this job's index, and the index of all when nothing is missing from it any more.
   * @param own header and records of this job
   */
  async finish(own: Ledger, format: ExportFormat): Promise<void> {
    if (this.#part) {
      const path = join(this.path, partIndexFile(this.#part));
      // This job may have done other splits before.
      const earlier = await this.#parse(path);
      const mine = earlier ? mergeLedgers(own, [earlier, own]) : own;
      await this.#put(partIndexFile(this.#part), renderIndex(mine, this.#part));
    }
    // Other jobs may be in progress: only what they have finished counts. Parts are read before the whole index,
    // which the last job writes before it removes them: one or the other is seen.
    const finished = (await this.#ledgers()).filter((found) => found.finished).map(({ ledger }) => ledger);
    const all = mergeLedgers(own, [...finished, own]);
    if (!isComplete(all, format)) return;
    for (const { file, text } of describe(all, format)) await this.#put(file, text);
    await this.#put(INDEX_FILE, renderIndex(all));
    for (const { path } of await this.#ledgerPaths()) {
      if (PART_INDEX.test(basename(path))) await this.workspace.remove(path);
    }
    if (!this.#part) await this.#forgetJobs();
  }

  async #put(file: string, text: string): Promise<void> {
    await requireNoLinks(this.path, [file]);
    await this.workspace.write(join(this.path, file), text);
  }

  /** What jobs that were killed left behind; the whole is there without them. */
  async #forgetJobs(): Promise<void> {
    for (const job of await otherJobs(this.path, this.#part)) {
      const { journal, folder, temporaries } = jobPaths(this.path, job);
      await withJob(this.path, job, (workspace) => workspace.remove(journal)).catch(() => {});
      for (const path of [temporaries, folder]) await rmdir(path).catch(() => {});
    }
  }

  /** The journal is of no use once all is done, or while it has no shard. */
  async settle({ done }: { done: boolean }): Promise<void> {
    const journal = await this.#parse(this.journal).catch(() => undefined);
    if (done || !journal?.records.size) await this.workspace.remove(this.journal);
  }

  async #ledgers(): Promise<FoundLedger[]> {
    const found: FoundLedger[] = [];
    for (const { path, finished } of await this.#ledgerPaths()) {
      const ledger = await this.#parse(path);
      // A job that was stopped before its first shard has left nothing to respect.
      if (ledger && (finished || ledger.records.size > 0)) found.push({ path, ledger, finished });
    }
    return found;
  }

  async #parse(path: string): Promise<Ledger | undefined> {
    const text = await readOptional(path);
    if (text === undefined) return undefined;
    return basename(path) === JOURNAL_FILE ? parseJournal(text, path) : parseIndex(text, path);
  }

  async #ledgerPaths(): Promise<{ path: string; finished: boolean }[]> {
    const names = await namesIn(this.path);
    const jobs = await jobFolders(this.path);
    const parts = names.filter((name) => PART_INDEX.test(name)).sort();
    return [
      ...parts.map((name) => ({ path: join(this.path, name), finished: true })),
      ...jobs.map((job) => ({ path: jobPaths(this.path, job).journal, finished: false })),
      { path: join(this.path, INDEX_FILE), finished: true },
    ];
  }
}

function mismatch(out: string, { words, about }: Difference): PcamError {
  return new PcamError('OUTPUT_MISMATCH', `${out} holds another export: ${words}`, {
    about,
    hint: 'choose another folder, or replace this export',
    options: ['out', 'force'],
  });
}

async function readList(path: string) {
  return parseList((await readOptional(path)) ?? '');
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readSmallFile(path, { most: LARGEST_LEDGER, follow: false });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined;
    throw fsError(error, `reading ${path}`);
  }
}

/** A damaged ledger is ignored; one that is a pipe or a link was not written by pcam, and is reported. */
function unlessUnfit(error: unknown): undefined {
  if (error instanceof PcamError && error.code === 'OUTPUT_MISMATCH') return undefined;
  throw error;
}
