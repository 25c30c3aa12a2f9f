/** The files of one shard under temporary names, hashed on their way to the disk. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fsError } from '../../core/index.js';
import { type FileIdentity, writeAllSync } from '../../fs/index.js';
import type { FileSink } from '../encode/index.js';
import type { ShardOutput } from '../formats/index.js';

const BUFFER = 1024 * 1024;

export interface WrittenFile {
  file: string;
  bytes: number;
  sha256: string;
  /** What the file was when it was whole. */
  identity: FileIdentity;
}

/** Everything is synchronous: a worker does nothing else meanwhile. */
export class ShardFiles implements ShardOutput {
  readonly #folder: string;
  readonly #sinks = new Map<string, Sink>();
  readonly #folders = new Set<string>();
  readonly loosePaths: string[] = [];
  looseBytes = 0;

  /** @param folder an own, empty folder that takes the final names below it */
  constructor(folder: string) {
    this.#folder = folder;
  }

  create(file: string): FileSink {
    const sink = new Sink(this.#place(file));
    this.#sinks.set(file, sink);
    return sink;
  }

  loose(file: string, bytes: Uint8Array): string {
    const path = this.#place(file);
    try {
      writeFileSync(path, bytes, { flag: 'wx' });
    } catch (error) {
      throw fsError(error, `writing ${path}`);
    }
    this.loosePaths.push(file);
    this.looseBytes += bytes.length;
    return createHash('sha256').update(bytes).digest('hex');
  }

  /** Closes all files, whole. */
  finish(): WrittenFile[] {
    return [...this.#sinks].map(([file, sink]) => ({ file, ...sink.finish() }));
  }

  /** Closes what is open, after an error. */
  abandon(): void {
    for (const sink of this.#sinks.values()) sink.close();
  }

  #place(file: string): string {
    const path = join(this.#folder, file);
    const folder = dirname(path);
    if (!this.#folders.has(folder)) {
      try {
        mkdirSync(folder, { recursive: true });
      } catch (error) {
        throw fsError(error, `making the folder ${folder}`);
      }
      this.#folders.add(folder);
    }
    return path;
  }
}

class Sink implements FileSink {
  readonly #path: string;
  readonly #hash = createHash('sha256');
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER);
  #fd: number;
  #buffered = 0;
  #written = 0;

  constructor(path: string) {
    this.#path = path;
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
    if (bytes.length > BUFFER - this.#buffered) this.#flush();
    if (bytes.length > BUFFER) {
      this.#put(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  finish(): Omit<WrittenFile, 'file'> {
    this.#flush();
    const { dev, ino, size, mtimeNs } = fstatSync(this.#fd, { bigint: true });
    this.close();
    const identity = { dev, ino, size, mtimeNs };
    return { bytes: this.#written, sha256: this.#hash.digest('hex'), identity };
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
