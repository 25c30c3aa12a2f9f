/** A file of lines that grows: one write at a time, in the order of the calls. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { openFile } from './files.js';
import type { RunFolder } from './run-folder.js';

export class Appender {
  readonly #handle: FileHandle;
  #last: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Puts a new file with this text into place, in one step. What a run has open that lost the lock is another one. */
  static async create(path: string, text: string, workspace: RunFolder): Promise<Appender> {
    await workspace.write(path, text);
    const handle = await openFile(path, { flags: constants.O_WRONLY | constants.O_APPEND, follow: false });
    try {
      await workspace.check();
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new Appender(handle);
  }

  /** Resolves when the text is written; with `flush`, when it is on the disk. Calls may overlap. */
  append(text: string, { flush = false } = {}): Promise<void> {
    const appended = this.#last.then(async () => {
      await this.#handle.appendFile(text);
      if (flush) await this.#handle.datasync();
    });
    this.#last = appended.catch(() => {});
    return appended;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }
}
