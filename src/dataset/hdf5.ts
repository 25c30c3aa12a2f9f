/** Opens one array of an HDF5 file; its elements are read without the HDF5 library where they lie in one block. */
import { closeSync, fstatSync, openSync, read, readSync, statSync } from 'node:fs';
import { elementsOf, fsError, PcamError, systemCode } from '../core/index.js';
import { type ArrayInfo, type ArrayReader, rowsOf } from './array.js';
import { openLibraryArray } from './hdf5-library.js';
import { readStructure, type StoredArray } from './hdf5-structure.js';
import { badHdf5 } from './problems.js';

/**
 * Opens the array at `path` (such as `x`) of an HDF5 file: contiguous, chunked, or chunked with gzip.
 * Links are not followed.
 * @throws PcamError BAD_HDF5 naming the file, what was expected and what was found; MISSING, NO_PERMISSION, IO
 */
export async function openArray(file: string, path: string): Promise<ArrayReader> {
  const fd = openRegularFile(file);
  let array: ArrayReader | undefined;
  try {
    const stored = readStructure(fd, fstatSync(fd).size, path);
    const inPlace = stored?.layout.type === 'contiguous' && (stored.size === 1 || stored.littleEndian);
    array = inPlace
      ? new ContiguousArray({ file, fd, path, stored, offset: stored.layout.offset })
      : await openLibraryArray({ file, fd, path });
    return array;
  } catch (error) {
    throw fsError(error, `reading ${file}`);
  } finally {
    if (!array) closeSync(fd);
  }
}

/** @throws PcamError MISSING, NO_PERMISSION, IO; BAD_HDF5 where it is a folder or a pipe */
export function openRegularFile(file: string): number {
  try {
    // A pipe would block the open call itself.
    if (!statSync(file).isFile()) {
      throw badHdf5({ file, expected: 'an HDF5 file', found: 'something that is not a regular file' });
    }
    return openSync(file, 'r');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw fsError(error, `opening ${file}`);
    throw new PcamError('MISSING', `there is no ${file}`, {
      cause: error,
      hint: 'fetch it',
      next: { command: 'download' },
    });
  }
}

interface Contiguous {
  file: string;
  fd: number;
  path: string;
  stored: StoredArray;
  /** Of the first element in the file. */
  offset: number;
}

class ContiguousArray implements ArrayReader {
  readonly file: string;
  readonly path: string;
  readonly info: ArrayInfo;
  readonly #offset: number;
  #fd: number | undefined;
  /** What prefetched rows are read into; nobody looks at it. */
  #scratch: Uint8Array | undefined;
  #prefetching = 0;

  constructor({ file, fd, path, stored: { shape, size, signed }, offset }: Contiguous) {
    this.file = file;
    this.path = path;
    const type = `${signed ? 'int' : 'uint'}${8 * size}`;
    this.info = { shape, type, isInteger: true, signed, size, chunks: null };
    this.#offset = offset;
    this.#fd = fd;
  }

  readRows(start: number, target: Uint8Array): void {
    const rows = rowsOf(this.info, start, target);
    if (this.#fd === undefined) throw new PcamError('USAGE', `${this.file} is read after it was closed`);
    if (rows > 0) this.#readAt(this.#offset + start * (target.length / rows), target);
  }

  #readAt(position: number, target: Uint8Array): void {
    try {
      for (let at = 0; at < target.length; ) {
        const bytes = readSync(this.#fd!, target, at, target.length - at, position + at);
        if (bytes === 0) {
          throw badHdf5({ file: this.file, expected: 'all of the array', found: 'a file that was cut' });
        }
        at += bytes;
      }
    } catch (error) {
      throw fsError(error, `reading ${this.file}`);
    }
  }

  prefetch(rows: Uint32Array): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    const { shape, size } = this.info;
    const rowBytes = elementsOf(shape.slice(1)) * size;
    this.#scratch ??= new Uint8Array(rowBytes);
    for (const row of rows) {
      this.#prefetching++;
      read(fd, this.#scratch, 0, rowBytes, this.#offset + row * rowBytes, () => {
        this.#prefetching--;
        if (this.#fd === undefined && this.#prefetching === 0) closeSync(fd);
      });
    }
  }

  /** While rows are being prefetched, the file stays open until the last one is there. */
  close(): void {
    if (this.#fd !== undefined && this.#prefetching === 0) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
