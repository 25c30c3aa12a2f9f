/** Whose bytes are these? One answer for download, verify, export and info: each file is read once, several at a time. */
import { join } from 'node:path';
import { type OnEvent, TaskReporter } from '../core/index.js';
import { statFile } from '../fs/index.js';
import { allContents, type Content, type Manifest } from '../manifest/index.js';
import { type DigestName, type Digests, digestFile, type HandleStats } from '../pass/index.js';
import type { Move, Receipts } from '../store/index.js';

/** A file that was found and read (or whose receipt holds). */
export interface Found {
  readonly path: string;
  readonly bytes: number;
  /** Receipts of archives have the SHA-256 alone. */
  readonly digests: Digests;
  /** What the file was when its digests were computed. */
  readonly stats: HandleStats;
}

/** True when every digest that is known of both agrees, and at least one is. */
export function holds({ digests }: { digests: Digests }, content: Content): boolean {
  const known = (['md5', 'sha256'] as const).filter(
    (name) => digests[name] !== undefined && content[name] !== undefined,
  );
  return known.length > 0 && known.every((name) => digests[name] === content[name]);
}

export interface InventoryOptions {
  /** The data set folder. */
  dir: string;
  manifest: Manifest;
  receipts: Receipts;
  /** Which receipts are believed, see `Receipts.digests`. @default 'inode' */
  trust?: 'inode' | 'mtime' | 'nothing';
  /** Keep what was found out. @default true */
  record?: boolean;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

export class Inventory {
  readonly #options: InventoryOptions;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #contents: readonly Content[];
  /** By path. */
  readonly #seen = new Map<string, Promise<Found | undefined>>();

  constructor(options: InventoryOptions) {
    this.#options = options;
    this.#contents = allContents(options.manifest);
    this.#signal = AbortSignal.any([this.#stop.signal, ...(options.signal ? [options.signal] : [])]);
  }

  /**
   * What lies under the name of a content.
   * @param folder default the data set folder
   * @returns undefined when there is nothing
   * @throws PcamError when something is there that is no file, or it cannot be read
   */
  read(content: Content, folder: string = this.#options.dir): Promise<Found | undefined> {
    const path = join(folder, content.name);
    let found = this.#seen.get(path);
    if (!found) {
      found = this.#look(path, content, folder === this.#options.dir);
      found.catch(() => {}); // reported to the caller that awaits it
      this.#seen.set(path, found);
    }
    return found;
  }

  /**
   * Reads some contents side by side.
   * @throws PcamError the first failure, once nothing is read any more
   */
  async readAll(contents: readonly Content[]): Promise<void> {
    const reads = contents.map((content) => this.read(content));
    try {
      await Promise.all(reads);
    } catch (error) {
      // Gigabytes may still be read for the others: nothing continues behind the caller's back.
      this.#stop.abort();
      await Promise.allSettled(reads);
      throw error;
    }
  }

  /** The content whose bytes a file holds, if they are not those of `content`. */
  ownerOf(found: Found, content: Content): Content | undefined {
    return holds(found, content) ? undefined : this.#contents.find((other) => holds(found, other));
  }

  /** Where the bytes at a name of the data set folder belong, when that is elsewhere and not yet filled. */
  async rightNameOf(name: string): Promise<string | undefined> {
    const content = this.#contents.find((candidate) => candidate.name === name);
    const found = content && (await this.read(content));
    const owner = found && this.ownerOf(found, content);
    if (!owner) return undefined;
    const there = await this.read(owner);
    return there && holds(there, owner) ? undefined : owner.name;
  }

  /** Names of the data set folder that were looked at and are not empty. */
  async names(): Promise<string[]> {
    const found = await Promise.all(this.#contents.map(({ name }) => this.#seen.get(this.#path(name))));
    return this.#contents.filter((_, i) => found[i]).map(({ name }) => name);
  }

  /** What was read moves along with the files. */
  moved(moves: readonly Move[]): void {
    const before = new Map(this.#seen);
    for (const { from } of moves) this.#seen.set(this.#path(from), Promise.resolve(undefined));
    for (const { from, to } of moves) {
      const path = this.#path(to);
      const found = before.get(this.#path(from)) ?? Promise.resolve(undefined);
      this.#seen.set(
        path,
        found.then((there) => there && { ...there, path }),
      );
    }
  }

  #path(name: string): string {
    return join(this.#options.dir, name);
  }

  async #look(path: string, content: Content, own: boolean): Promise<Found | undefined> {
    const { receipts, trust = 'inode', record = true } = this.#options;
    const stats = await statFile(path);
    if (!stats) return undefined;
    const bytes = Number(stats.size);
    // Receipts speak of the data set folder alone.
    const known = own && trust !== 'nothing' ? receipts.digests(content.name, stats, trust) : undefined;
    // A receipt from before the manifest gave a SHA-256 does not say enough.
    const enough = content.sha256 === undefined ? known?.md5 : known?.sha256;
    if (known && enough !== undefined) return { path, bytes, digests: known, stats };
    const { digests, stats: read, changed } = await this.#digest(path, content, bytes);
    // A folder that cannot be written to can be verified all the same.
    if (own && record && !changed) await receipts.record(content.name, read, digests).catch(() => {});
    return { path, bytes, digests, stats: read };
  }

  async #digest(path: string, { name, sha256 }: Content, bytes: number) {
    const digests: DigestName[] = sha256 === undefined ? ['md5'] : ['md5', 'sha256'];
    let task: TaskReporter | undefined;
    const begun = () => {
      // Not before: many files may wait for their turn.
      task ??= new TaskReporter(
        { task: name, step: 'check', unit: 'bytes', done: 0, total: bytes },
        this.#options.onEvent,
      );
      return task;
    };
    const onProgress = (done: number) => begun().progress({ done });
    return digestFile({ path, bytes, digests, signal: this.#signal, onProgress }).finally(() =>
      begun().end(),
    );
  }
}

/** Answers for a name of the manifest whether the file there, as it is now, holds the bytes that belong there. */
export function rightness(options: InventoryOptions): (name: string) => Promise<boolean> {
  return async (name) => {
    const content = allContents(options.manifest).find((candidate) => candidate.name === name);
    const found = content && (await new Inventory(options).read(content));
    return found !== undefined && holds(found, content!);
  };
}
