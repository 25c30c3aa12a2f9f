/** Whether shards that were written before are still as their records say. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fsError, systemCode } from '../../core/index.js';
import { neverBlocking, requireNoLinks } from '../../fs/index.js';
import { parseList } from '../encode/index.js';
import type { FileRecord } from '../output/index.js';

const READ_BYTES = 1024 * 1024;

export class ShardCheck {
  readonly #out: string;
  readonly #stopIfAsked: () => void;
  #buffer: Buffer | undefined;

  /** @param stopIfAsked throws once the export is to stop */
  constructor(out: string, stopIfAsked: () => void) {
    this.#out = out;
    this.#stopIfAsked = stopIfAsked;
  }

  async areRight(known: readonly FileRecord[]): Promise<boolean> {
    for (const record of known) if (!(await this.#isRight(record))) return false;
    return true;
  }

  /** Whether a file, and all that it lists, is as its record says. */
  async #isRight({ file, bytes, sha256, contents }: FileRecord): Promise<boolean> {
    const text: Buffer[] | undefined = contents && [];
    if (!this.#hasDigest({ file, sha256, bytes }, text)) return false;
    if (!contents) return true;
    const list = parseList(Buffer.concat(text!).toString('utf8'));
    await requireNoLinks(this.#out, new Set(list.map((listed) => dirname(listed.file))));
    return list.length === contents.files && list.every((listed) => this.#hasDigest(listed));
  }

  /** @param text takes the bytes that were digested */
  #hasDigest(
    { file, sha256, bytes }: { file: string; sha256: string; bytes?: number },
    text?: Buffer[],
  ): boolean {
    const path = join(this.#out, file);
    let fd: number | undefined;
    try {
      fd = openSync(path, constants.O_RDONLY | neverBlocking(false));
      const stats = fstatSync(fd);
      if (!stats.isFile() || (bytes !== undefined && stats.size !== bytes)) return false;
      return this.#digest(fd, createHash('sha256'), text) === sha256;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ENXIO'].includes(systemCode(error))) return false;
      throw fsError(error, `reading ${path}`);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  #digest(fd: number, hash: Hash, text: Buffer[] | undefined): string {
    this.#buffer ??= Buffer.allocUnsafeSlow(READ_BYTES);
    for (let read = -1; read !== 0; ) {
      this.#stopIfAsked();
      read = readSync(fd, this.#buffer);
      hash.update(this.#buffer.subarray(0, read));
      text?.push(Buffer.from(this.#buffer.subarray(0, read)));
    }
    return hash.digest('hex');
  }
}
