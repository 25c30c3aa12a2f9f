/** Whose bytes are these? One answer for download, verify, export and info: each file is read once, several at a time. */
import { join } from 'node:path';
import { type OnEvent, TaskReporter } from '../core/index.js';
import { sameFile, statFile } from '../fs/index.js';
import { allContents, type Content, type Manifest } from '../manifest/index.js';
import { type DigestName, type Digests, digestFile, type HandleStats } from '../pass/index.js';
import type { Receipts } from '../store/index.js';

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
  /** Which receipts are believed, see `Receipts.find`. @default 'inode' */
  trust?: 'inode' | 'mtime' | 'nothing';
  /** Write receipts of what was read. @default true */
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
      found = this.#find(path, content, folder === this.#options.dir);
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

  /** Reads a file that has no name of the manifest. */
  async digest(path: string, bytes: number): Promise<Found> {
    const read = await digestFile({ path, bytes, digests: ['md5', 'sha256'], signal: this.#signal });
    return { path, bytes, digests: read.digests, stats: read.stats };
  }

  /** The content whose bytes a file holds, if they are not those of `content`. */
  ownerOf(found: Found, content: Content): Content | undefined {
    return holds(found, content) ? undefined : this.#contents.find((other) => holds(found, other));
  }

  /** The content whose bytes a file holds and whose name does not have them: where the file belongs. */
  async homeOf(found: Found): Promise<Content | undefined> {
    for (const content of this.#contents.filter((other) => holds(found, other))) {
      const there = await this.readAgain(content);
      if (!there || !holds(there, content)) return content;
    }
    return undefined;
  }

  /** Where the bytes under the name of a content belong, if that is elsewhere. */
  async misplaced(content: Content): Promise<Content | undefined> {
    const found = await this.read(content);
    return found && !holds(found, content) ? await this.homeOf(found) : undefined;
  }

  /** Whether a file holds bytes of the manifest, whichever. */
  isKnown(found: Found): boolean {
    return this.#contents.some((content) => holds(found, content));
  }

  /** What was found of a content, read again if the file has changed since. */
  async readAgain(content: Content): Promise<Found | undefined> {
    const [found, stats] = [await this.read(content), await statFile(this.#path(content.name))];
    const isUnchanged = found && stats ? sameFile(found.stats, stats) : found === stats;
    if (!isUnchanged) this.#seen.delete(this.#path(content.name));
    return await this.read(content);
  }

  /** Tells that a file of the data set folder was renamed: what lies under the name of a content from now on. */
  set(content: Content, found: Found | undefined): void {
    const path = this.#path(content.name);
    this.#seen.set(path, Promise.resolve(found && { ...found, path }));
  }

  /** Writes the receipt of a file that was read. A folder that cannot be written to can be verified all the same. */
  async record({ name }: Content, { stats, digests }: Pick<Found, 'stats' | 'digests'>): Promise<void> {
    if (this.#options.record ?? true)
      await this.#options.receipts.record(name, stats, digests).catch(() => {});
  }

  #path(name: string): string {
    return join(this.#options.dir, name);
  }

  async #find(path: string, content: Content, isOwn: boolean): Promise<Found | undefined> {
    const { receipts, trust = 'inode' } = this.#options;
    const stats = await statFile(path);
    if (!stats) return undefined;
    const bytes = Number(stats.size);
    // Receipts speak of the data set folder alone.
    const known = isOwn && trust !== 'nothing' ? await receipts.find(content.name, stats, trust) : undefined;
    // A receipt from before the manifest gave a SHA-256 does not say enough.
    const isEnough = (content.sha256 === undefined ? known?.md5 : known?.sha256) !== undefined;
    if (known && isEnough) return { path, bytes, digests: known, stats };
    const read = await this.#digest(path, content, bytes);
    if (isOwn && !read.changed) await this.record(content, read);
    return { path, bytes, digests: read.digests, stats: read.stats };
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
