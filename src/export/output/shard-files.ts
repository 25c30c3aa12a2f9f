/** The files of one shard under temporary names, digested while they are written. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { fsError } from '../../core/index.js';
import { type FileIdentity, writeAllSync } from '../../fs/index.js';
import type { FileSink } from '../encode/index.js';
import type { ShardOutput } from '../formats/index.js';

const BUFFER_BYTES = 1024 * 1024;

/** A finished file that has no final name yet. */
export interface TemporaryFile {
  /** Where it lies, and its final name below the output folder. */
  readonly path: string;
  readonly file: string;
  /** What the file was when its digest was complete; not of loose files, which a list vouches for. */
  readonly identity?: FileIdentity;
}

export interface WrittenFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Synchronous throughout: a worker does nothing else meanwhile. */
export class ShardFiles implements ShardOutput {
  readonly #prefix: string;
  readonly #sinks: Sink[] = [];
  readonly #loose: TemporaryFile[] = [];
  /** Bytes of the loose files together. */
  looseBytes = 0;

  /** @param prefix of the paths of the temporary files, in a directory that is there and only this run's */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  create(file: string): FileSink {
    const sink = new Sink(this.#nextPath(), file);
    this.#sinks.push(sink);
    return sink;
  }

  loose(file: string, bytes: Uint8Array): string {
    const path = this.#nextPath();
    try {
      writeFileSync(path, bytes, { flag: 'wx' });
    } catch (error) {
      throw fsError(error, `writing ${path}`);
    }
    this.#loose.push({ path, file });
    this.looseBytes += bytes.length;
    return createHash('sha256').update(bytes).digest('hex');
  }

  /**
   * Closes all files.
   * @returns the temporary files in the order in which they are to get their names: loose files first, and the main
   *   file last
   */
  finish(): { written: WrittenFile[]; temporaries: TemporaryFile[] } {
    const finished = this.#sinks.map((sink) => sink.finish());
    const temporaries = finished.map(({ temporary }) => temporary).reverse();
    return { written: finished.map(({ written }) => written), temporaries: [...this.#loose, ...temporaries] };
  }

  get looseFiles(): number {
    return this.#loose.length;
  }

  /** Closes what is open, after an error. */
  abandon(): void {
    for (const sink of this.#sinks) sink.close();
  }

  /** No directory is made: where this run's own is gone, another run has taken over, and nothing may be written. */
  #nextPath(): string {
    return `${this.#prefix}.${this.#sinks.length + this.#loose.length}`;
  }
}

class Sink implements FileSink {
  readonly #path: string;
  readonly #file: string;
  readonly #hash = createHash('sha256');
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #fd: number;
  #buffered = 0;
  #written = 0;

  constructor(path: string, file: string) {
    this.#path = path;
    this.#file = file;
    try {
      this.#fd = openSync(path, 'wx');
    } catch (error) {
      throw fsError(error, `writing ${path}`);
    }
  }

  get position(): number {
    return this.#written + this.#buffered;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > BUFFER_BYTES - this.#buffered) this.#flush();
    if (bytes.length > BUFFER_BYTES) {
      this.#put(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  finish(): { written: WrittenFile; temporary: TemporaryFile } {
    this.#flush();
    const { ino, size, mtimeNs } = fstatSync(this.#fd, { bigint: true });
    this.close();
    const file = this.#file;
    return {
      written: { file, bytes: this.#written, sha256: this.#hash.digest('hex') },
      temporary: { path: this.#path, file, identity: { ino, size, mtimeNs } },
    };
  }

  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  #flush(): void {
    if (this.#buffered > 0) this.#put(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  #put(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    try {
      writeAllSync(this.#fd, bytes);
    } catch (error) {
      throw fsError(error, `writing ${this.#path}`);
    }
    this.#written += bytes.length;
  }
}
