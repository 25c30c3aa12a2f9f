/** The partial downloads of a data set folder, by file: to open, adopt, trim or discard. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsError, systemCode } from '../core/index.js';
import { copyInto, makeFolder, openFile, UnfitFile } from '../fs/index.js';
import type { DatasetFile } from '../manifest/index.js';
import type { Layout, OwnedLayout } from './layout.js';
import type { OpenPartOptions, Parts } from './part.js';
import { checkRanges } from './part-check.js';
import { PartFile } from './part-file.js';
import { PartJournal } from './part-journal.js';

/** What anyone may ask. */
export class PartStore {
  readonly #paths: Layout;

  constructor(paths: Layout) {
    this.#paths = paths;
  }

  /** Ids of the sources whose bytes the journal claims, unchecked; none when there is no part. */
  async claimedBy(file: DatasetFile): Promise<Set<string>> {
    const { ranges } = await PartJournal.read(this.#paths.journal(file.name), file);
    return new Set(ranges.map(({ source }) => source));
  }
}

/** What only the run does that holds the lock. */
export class OwnedPartStore extends PartStore implements Parts {
  readonly #paths: OwnedLayout;

  constructor(paths: OwnedLayout) {
    super(paths);
    this.#paths = paths;
  }

  /**
   * Opens the part of a file, new or left by an earlier run. Every range that the journal claims is read back and
   * compared with its checksum; what does not agree is forgotten, and only that.
   */
  async open(file: DatasetFile, { signal, onCheck }: OpenPartOptions = {}): Promise<PartFile> {
    const { workspace } = this.#paths;
    const path = this.#paths.part(file.name);
    const journalPath = this.#paths.journal(file.name);
    let handle: FileHandle | undefined;
    try {
      await workspace.check();
      await makeFolder(dirname(path));
      const claimed = await PartJournal.read(journalPath, file);
      handle = await openOwn(path, this.#paths);
      // Opened while the lock was held: a successor replaces this file by a copy before it writes to it.
      await workspace.check();
      const ranges = await checkRanges(handle, claimed.ranges, { signal, onCheck });
      const content = { ...claimed, ranges };
      const journal = await PartJournal.create(journalPath, file, content, workspace);
      return new PartFile({ path, file, handle, journal, content });
    } catch (error) {
      await handle?.close();
      if (signal?.aborted) throw error;
      throw fsError(error, `opening the partial download ${path}`);
    }
  }

  /** Forgets the bytes of one source; the others stay. Only while the part is not open. */
  async forget(file: DatasetFile, source: string): Promise<void> {
    const path = this.#paths.journal(file.name);
    const content = await PartJournal.read(path, file);
    content.ranges = content.ranges.filter((range) => range.source !== source);
    content.validators.delete(source);
    const journal = await PartJournal.create(path, file, content, this.#paths.workspace);
    await journal.close();
  }

  /** Removes the part and its journal. The journal goes first: without it a part claims nothing. */
  async discard(file: DatasetFile): Promise<void> {
    const { workspace } = this.#paths;
    await workspace.remove(this.#paths.journal(file.name));
    await workspace.remove(this.#paths.part(file.name));
  }

  /** Starts a part with a copy of another tool's partial download, which is left as it is. */
  async adopt(file: DatasetFile, from: string): Promise<void> {
    const { workspace } = this.#paths;
    const path = this.#paths.part(file.name);
    const copy = workspace.path(`${file.name}.part`);
    try {
      await makeFolder(dirname(path));
      await this.discard(file);
      await copyInto(from, copy, workspace.signal);
      await workspace.place(copy, path);
    } catch (error) {
      throw fsError(error, `copying ${from} to ${path}`);
    }
  }
}

/** Opens pcam's own file. A link or pipe that was put under its name goes: nothing else is ever written to. */
async function openOwn(path: string, { workspace }: OwnedLayout): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_CREAT;
  try {
    return await openFile(path, { flags, follow: false });
  } catch (error) {
    if (!(error instanceof UnfitFile) && !['ELOOP', 'ENXIO'].includes(systemCode(error))) throw error;
    await workspace.remove(path);
    return await openFile(path, { flags, follow: false });
  }
}
