/** The partial downloads of a data set folder, by file: to open, adopt, trim or discard. */
import { constants, copyFile, type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsError, PcamError, systemCode } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import type { Layout } from './layout.js';
import { checkRanges } from './part-check.js';
import { PartFile } from './part-file.js';
import { PartJournal } from './part-journal.js';

export interface OpenPartOptions {
  signal?: AbortSignal;
  onCheck?: (bytes: number, of: number) => void;
}

export class PartStore {
  readonly #paths: Layout;

  constructor(paths: Layout) {
    this.#paths = paths;
  }

  /**
   * Opens the part of a file, new or left by an earlier run. Every range that the journal claims is read back and
   * compared with its checksum; what does not agree is forgotten, and only that.
   */
  async open(file: DatasetFile, { signal, onCheck }: OpenPartOptions = {}): Promise<PartFile> {
    const path = this.#paths.part(file.name);
    const journalPath = this.#paths.journal(file.name);
    let handle: FileHandle | undefined;
    try {
      await mkdir(dirname(path), { recursive: true });
      const claimed = await PartJournal.read(journalPath, file);
      handle = await openOwn(path);
      const ranges = await checkRanges(handle, claimed.ranges, { signal, onCheck });
      const content = { ...claimed, ranges };
      const journal = await PartJournal.create(journalPath, file, content);
      return new PartFile({ path, file, handle, journal, content });
    } catch (error) {
      await handle?.close();
      if (signal?.aborted) throw error;
      throw fsError(error, `opening the partial download ${path}`);
    }
  }

  /** Ids of the sources whose bytes the journal claims, unchecked; none when there is no part. */
  async claimedBy(file: DatasetFile): Promise<Set<string>> {
    const { ranges } = await PartJournal.read(this.#paths.journal(file.name), file);
    return new Set(ranges.map(({ source }) => source));
  }

  /** Forgets the bytes of one source; the others stay. Only while the part is not open. */
  async forget(file: DatasetFile, source: string): Promise<void> {
    const path = this.#paths.journal(file.name);
    const content = await PartJournal.read(path, file);
    content.ranges = content.ranges.filter((range) => range.source !== source);
    content.validators.delete(source);
    const journal = await PartJournal.create(path, file, content);
    await journal.close();
  }

  /** Removes the part and its journal. The journal goes first: without it a part claims nothing. */
  async discard(file: DatasetFile): Promise<void> {
    await rm(this.#paths.journal(file.name), { force: true });
    await rm(this.#paths.part(file.name), { force: true });
  }

  /** Starts a part with a copy of another tool's partial download, which is left as it is. */
  async adopt(file: DatasetFile, from: string): Promise<void> {
    const path = this.#paths.part(file.name);
    try {
      await mkdir(dirname(path), { recursive: true });
      await this.discard(file);
      await copyFile(from, path, constants.COPYFILE_FICLONE);
    } catch (error) {
      throw fsError(error, `copying ${from} to ${path}`);
    }
  }
}

/** Opens pcam's own file. A link or pipe that somebody put under its name goes: nothing else is ever written to. */
async function openOwn(path: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  for (let again = false; ; again = true) {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o666);
      if ((await handle.stat()).isFile()) return handle;
    } catch (error) {
      await handle?.close();
      if (again || !['ELOOP', 'ENXIO'].includes(systemCode(error))) throw error;
    }
    await handle?.close();
    if (again) throw new PcamError('IO', `${path} is no file, and comes back when it is removed`);
    await rm(path, { force: true });
  }
}
