/** The output folder: what earlier and parallel runs left in it, and how their ledgers become one. */
import { mkdir, readdir, readFile, realpath, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fsError, PcamError, systemCode } from '../../core/index.js';
import { commitFile, requireOwnFolder, writeFileAtomic } from '../../fs/index.js';
import { parseList } from '../encode/index.js';
import { type ExportFormat, FORMATS, type SplitSummary } from '../formats/index.js';
import { JOURNAL_FILE, parseJournal } from './journal.js';
import {
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

/** Shards under way and journals, one folder a job. Same file system as the shards, so that a rename is enough. */
export const TEMPORARY = '.pcam-tmp';
const PART_INDEX = /^index\.part-\d+-of-\d+\.json$/;

interface Found {
  readonly path: string;
  readonly ledger: Ledger;
  /** An index, not a journal. */
  readonly finished: boolean;
}

export class OutputFolder {
  readonly path: string;
  readonly #part: Part | undefined;

  constructor(path: string, part: Part | undefined) {
    this.path = path;
    this.#part = part;
  }

  /** This job's folder for shards under way. */
  get temporary(): string {
    return join(this.path, TEMPORARY, partName(this.#part));
  }

  get lock(): string {
    return join(this.path, TEMPORARY, `${partName(this.#part)}.lock`);
  }

  get journal(): string {
    return join(this.temporary, JOURNAL_FILE);
  }

  /**
   * What the folder holds of the export that `header` describes.
   * @throws PcamError OUTPUT_MISMATCH when it holds another one
   */
  async read(header: LedgerHeader): Promise<Ledger> {
    const found = await this.#ledgers();
    for (const { path, ledger } of found) {
      const problem = difference(ledger, header);
      if (problem) throw mismatch(this.path, path, problem);
    }
    return mergeLedgers(
      header,
      found.map(({ ledger }) => ledger),
    );
  }

  /** Forgets the export that is there and removes its files, and only those: names from its own ledgers. */
  async clear(): Promise<void> {
    const files = new Set<string>();
    for (const { path } of await this.#paths()) {
      const ledger = await this.#parse(path).catch(() => undefined);
      if (!ledger) continue;
      for (const { file } of describe(ledger, formatOf(ledger))) files.add(file);
      for (const { file, contents } of ledger.records.values()) {
        files.add(file);
        if (!contents) continue;
        for (const listed of await readList(join(this.path, file))) files.add(listed.file);
      }
    }
    // The ledgers first: one that describes what is half gone would be believed.
    for (const { path } of await this.#paths()) await rm(path, { force: true });
    const folders = new Set<string>();
    for (const file of [...files].filter(isSafeName)) {
      await rm(join(this.path, file), { force: true });
      for (let up = dirname(file); up !== '.'; up = dirname(up)) folders.add(up);
    }
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
      await rmdir(join(this.path, folder)).catch(() => {});
    }
  }

  /** Empties this job's temporary folder, but for its journal. */
  async prepare(): Promise<void> {
    try {
      // A link in its place would have a stranger's folder emptied.
      await requireOwnFolder(this.temporary);
      await mkdir(this.temporary, { recursive: true });
      for (const name of await readdir(this.temporary)) {
        if (name !== JOURNAL_FILE) await rm(join(this.temporary, name), { recursive: true, force: true });
      }
    } catch (error) {
      throw fsError(error, `preparing ${this.temporary}`);
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
    // Other jobs may be under way: only what they have finished counts. Parts are read before the whole index,
    // which the last job writes before it removes them: one or the other is seen.
    const finished = (await this.#ledgers()).filter((found) => found.finished).map(({ ledger }) => ledger);
    const all = mergeLedgers(own, [...finished, own]);
    if (!isComplete(all, format)) return;
    for (const { file, text } of describe(all, format)) await this.#put(file, text);
    await this.#put(INDEX_FILE, renderIndex(all));
    for (const { path } of await this.#paths()) {
      if (PART_INDEX.test(basename(path))) await rm(path, { force: true });
    }
    if (!this.#part) await this.#forgetParts();
  }

  /** Several jobs may write the same file at the same moment, so each does it in its own folder. */
  async #put(file: string, text: string): Promise<void> {
    const temporary = join(this.temporary, file);
    await writeFileAtomic(temporary, text);
    await commitFile(temporary, join(this.path, file));
  }

  /** What jobs that were killed left behind; the whole is there without them. */
  async #forgetParts(): Promise<void> {
    const names = await namesIn(dirname(this.temporary));
    for (const name of names) {
      if (!name.startsWith('part-') || name.endsWith('.lock') || names.includes(`${name}.lock`)) continue;
      await rm(join(dirname(this.temporary), name), { recursive: true, force: true });
    }
  }

  /** Removes what this job left half done; its journal is kept for the next run, unless it is of no use any more. */
  async cleanUp({ done }: { done: boolean }): Promise<void> {
    await this.prepare().catch(() => {});
    const journal = await this.#parse(this.journal).catch(() => undefined);
    if (done || !journal?.records.size) await rm(this.journal, { force: true }).catch(() => {});
    await rmdir(this.temporary).catch(() => {});
  }

  /** Removes the folder of all jobs when none is left; after the lock in it has been released. */
  async leave(): Promise<void> {
    await rmdir(dirname(this.temporary)).catch(() => {});
  }

  async #ledgers(): Promise<Found[]> {
    const found: Found[] = [];
    for (const { path, finished } of await this.#paths()) {
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

  async #paths(): Promise<{ path: string; finished: boolean }[]> {
    const names = await namesIn(this.path);
    const jobs = (await namesIn(join(this.path, TEMPORARY))).filter((name) => !name.endsWith('.lock'));
    const parts = names.filter((name) => PART_INDEX.test(name)).sort();
    return [
      ...parts.map((name) => ({ path: join(this.path, name), finished: true })),
      ...jobs.map((job) => ({ path: join(this.path, TEMPORARY, job, JOURNAL_FILE), finished: false })),
      { path: join(this.path, INDEX_FILE), finished: true },
    ];
  }
}

/** `undefined` when another version of pcam wrote it. */
function formatOf({ recipe }: Ledger): ExportFormat | undefined {
  return FORMATS.find(({ format, layout }) => format === recipe.format && layout === recipe.layout);
}

/** The files that describe a whole export. */
function describe(ledger: Ledger, format: ExportFormat | undefined): { file: string; text: string }[] {
  const hasMeta = ({ split }: SplitSummary) =>
    ledger.inputs.some((input) => input.split === split && input.kind === 'meta');
  return format?.finish?.({ ...ledger, meta: ledger.splits.every(hasMeta) }) ?? [];
}

/** Whether every file of every split is there. */
function isComplete({ recipe, splits, records }: Ledger, format: ExportFormat): boolean {
  return splits.every((split: SplitSummary) =>
    format.plan({ split, recipe }).every(({ files }) => files.every(({ file }) => records.has(file))),
  );
}

/**
 * Refuses a folder that the data set is in, links followed.
 * @throws PcamError USAGE
 */
export async function requireApart(out: string, dir: string): Promise<void> {
  const [from, to] = await Promise.all([realFolder(dir), realFolder(out)]);
  const way = relative(from, to);
  if (way !== '' && (way === '..' || way.startsWith(`..${sep}`) || resolve(from, way) === way)) return;
  throw new PcamError('USAGE', `the output folder ${out} is inside the data set folder ${dir}`, {
    hint: 'choose a folder outside of it',
    options: ['out'],
  });
}

/** The real path of a folder, or of what there is of it. */
async function realFolder(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(await realFolder(parent), basename(absolute));
  }
}

function mismatch(out: string, path: string, problem: string): PcamError {
  return new PcamError('OUTPUT_MISMATCH', `${out} holds another export: ${problem} (${basename(path)})`, {
    hint: 'choose another folder, or replace this export',
    options: ['out', 'force'],
  });
}

async function readList(path: string) {
  return parseList((await readOptional(path)) ?? '');
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemCode(error))) return undefined;
    throw fsError(error, `reading ${path}`);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw fsError(error, `reading ${folder}`);
  }
}
