/**
 * Arrays that the HDF5 library reads: chunked, compressed, or stored in an unusual way. A file and a library are shut
 * in with each other: whatever a broken file does to the library cannot reach another file. The only importer of h5wasm.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import type { Filter, Metadata, Module as SharedModule } from 'h5wasm';
import { elementsOf, fsError, importBeside, localError, messageOf, PcamError } from '../core/index.js';
import { type ArrayInfo, type ArrayReader, rowsOf, text } from './array.js';
import { badHdf5 } from './problems.js';

type H5Module = typeof SharedModule;

/**
 * The only file of the library's file system, which is in memory: links to other files, external storage and plugins
 * lead nowhere. Its reads go to the real file, as h5wasm has no way to open one of any size by its descriptor:
 * https://github.com/usnistgov/h5wasm/issues/40
 */
const NAME = 'array.h5';
const EIO = 29; // as WASI numbers it
const MAX_CHUNK_BYTES = 256 * 1024 * 1024;
/** What HDF5 may hold while it unpacks: a chunk as it is stored, the same unpacked, and a read. */
const MAX_UNPACKING_BYTES = 2 * MAX_CHUNK_BYTES + 128 * 1024 * 1024;
/** How far the memory of a wasm32 library can grow. */
const ADDRESS_SPACE = 2 ** 31;
/** Deflate packs no tighter than this, so an array that claims more is not in its file. */
const MAX_RATIO = 1032;
/** Filters that every build of HDF5 has: deflate, shuffle, fletcher32. */
const KNOWN_FILTERS = [1, 2, 3];
const INTEGER = 0;
const FLOAT = 1;
const ENUMERATION = 8;

/** An instance takes some 50 ms to make, so some that closed in order are kept for the next files: 6 MB each. */
const MAX_IDLE = 3;
const idle: Library[] = [];

interface OpenFile {
  /** For messages. */
  readonly file: string;
  /** Closed by the array that is opened. */
  readonly fd: number;
  readonly path: string;
}

/**
 * Opens the array at `path`.
 * @throws PcamError BAD_HDF5, IO
 */
export async function openLibraryArray(given: OpenFile): Promise<ArrayReader> {
  const { file, fd, path } = given;
  // Outside the try: that a library does not start is no fault of the file.
  const library = idle.pop() ?? (await Library.load());
  try {
    const id = library.open(fd);
    if (id < 0n) throw notHdf5(file, fd);
    findArray(library.module, { id, file, path });
    const metadata = library.module.get_dataset_metadata(id, path);
    const filters = metadata.chunks ? library.module.get_dataset_filters(id, path) : [];
    refuseUnsafe({ file, path, metadata, filters, fileBytes: fstatSync(fd).size });
    if (filters.length > 0) library.limitMemory();
    return new LibraryArray(given, { library, id, info: infoOf(metadata) });
  } catch (error) {
    // The library is dropped with the error: traps leave its inner state unknown.
    library.drop();
    throw library.failure(given, error);
  }
}

/** An instance of the library with its own memory, and the one file that it sees. */
class Library {
  readonly module: H5Module;
  readonly #node: FileNode;
  #fd = -1;
  /** What the system said when it could not read the file. */
  #readError: unknown;
  #limited = false;

  private constructor(module: H5Module) {
    this.module = module;
    const { createFile, ErrnoError } = module.FS as unknown as FileSystem;
    this.#node = createFile('/', NAME, {}, true, false);
    this.#node.stream_ops = {
      ...this.#node.stream_ops,
      read: (_stream, buffer, offset, length, position) => {
        try {
          return readSync(this.#fd, buffer, offset, length, position);
        } catch (error) {
          this.#readError = error;
          throw new ErrnoError(EIO);
        }
      },
    };
  }

  /** @throws PcamError IO when a limit of this machine does not let the library start */
  static async load(): Promise<Library> {
    // Emscripten prints why its start failed, and then throws something else. Later, HDF5 prints its error stacks.
    let printed = '';
    const printErr = (line: string) => {
      printed ||= line;
    };
    try {
      // h5wasm's entry makes a single instance; the factory beside it makes as many as there are open files.
      const { default: create } = (await importBeside('h5wasm', 'hdf5_util.js')) as {
        default: (options: object) => Promise<H5Module>;
      };
      return new Library(await create({ noInitialRun: true, print() {}, printErr }));
    } catch (error) {
      throw localError(printed === '' ? error : new Error(printed, { cause: error })) ?? error;
    }
  }

  /** @returns an identifier below 0 when it is no HDF5 file */
  open(fd: number): bigint {
    this.#fd = fd;
    this.#readError = undefined;
    this.#node.usedBytes = fstatSync(fd).size;
    return this.module.open(`/${NAME}`, this.module.H5F_ACC_RDONLY, false, -1, -1);
  }

  /**
   * A few kilobytes of deflate can unpack to gigabytes, and HDF5 compares the size of a chunk only with what it has
   * unpacked, if at all: https://github.com/HDFGroup/hdf5/pull/6184
   * A block that is taken and never touched costs no memory, and leaves HDF5 just the room that it needs.
   */
  limitMemory(): void {
    const spare = ADDRESS_SPACE - this.module.HEAPU8.length - MAX_UNPACKING_BYTES;
    if (!this.#limited && spare > 0) this.module._malloc(spare);
    this.#limited = true;
  }

  /** Closes the file, and keeps the library for the next one. */
  close(id: bigint): void {
    let closed = false;
    try {
      closed = this.module.close_file(id) >= 0;
    } catch {
      // It is dropped.
    }
    this.drop();
    if (closed && idle.length < MAX_IDLE) idle.push(this);
  }

  /** Takes the file away from it. */
  drop(): void {
    this.#fd = -1;
  }

  /** Why the file cannot be read: data are called damaged only when the system could read them. */
  failure({ file, path }: { file: string; path: string }, error: unknown): PcamError {
    if (this.#readError !== undefined) return fsError(this.#readError, `reading ${file}`);
    if (error instanceof PcamError) return error;
    const expected = `an array named ${path} that can be read`;
    const found = `one that HDF5 cannot read (${messageOf(error).split('\n')[0]})`;
    return badHdf5({ file, expected, found, cause: error });
  }
}

/** The parts of Emscripten's file system that the one file goes through. */
interface FileSystem {
  createFile(parent: string, name: string, properties: object, canRead: boolean, canWrite: boolean): FileNode;
  ErrnoError: new (errno: number) => Error;
}

interface FileNode {
  /** The size of the file. */
  usedBytes: number;
  stream_ops: {
    read(stream: unknown, buffer: Int8Array, offset: number, length: number, position: number): number;
  };
}

class LibraryArray implements ArrayReader {
  readonly file: string;
  readonly path: string;
  readonly info: ArrayInfo;
  readonly #library: Library;
  readonly #id: bigint;
  readonly #fd: number;
  /** A block in the library's memory that reads go through. */
  #block = 0;
  #blockBytes = 0;
  #open = true;

  constructor({ file, fd, path }: OpenFile, parts: { library: Library; id: bigint; info: ArrayInfo }) {
    this.file = file;
    this.path = path;
    this.info = parts.info;
    this.#library = parts.library;
    this.#id = parts.id;
    this.#fd = fd;
  }

  readRows(start: number, target: Uint8Array): void {
    const rows = rowsOf(this.info, start, target);
    if (!this.#open) throw new PcamError('USAGE', `${this.file} is read after it was closed`);
    if (target.length === 0) return;
    const { module } = this.#library;
    try {
      const block = this.#reserve(target.length);
      const row = this.info.shape.slice(1).map(BigInt);
      const count = [BigInt(rows), ...row];
      const offset = [BigInt(start), ...row.map(() => 0n)];
      const strides = count.map(() => 1n);
      const status = module.get_dataset_data(this.#id, this.path, count, offset, strides, BigInt(block));
      // A read that failed leaves in the block whatever stood there before.
      if (status < 0) throw new Error('HDF5 could not read the rows');
      target.set(module.HEAPU8.subarray(block, block + target.length));
    } catch (error) {
      this.#open = false;
      this.#library.drop();
      closeSync(this.#fd);
      throw this.#library.failure(this, error);
    }
  }

  #reserve(bytes: number): number {
    if (bytes > this.#blockBytes) {
      const { module } = this.#library;
      if (this.#block) module._free(this.#block);
      this.#block = module._malloc(bytes);
      this.#blockBytes = this.#block ? bytes : 0;
      if (!this.#block) throw new Error(`HDF5 has no memory for ${bytes} bytes`);
    }
    return this.#block;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#block) this.#library.module._free(this.#block);
    this.#library.close(this.#id);
    closeSync(this.#fd);
  }
}

/** Sees to it that `path` names an array that lies in this very file, before anything follows it. */
function findArray(module: H5Module, { id, file, path }: { id: bigint; file: string; path: string }): void {
  const parts = path.split('/').filter((part) => part !== '');
  const expected = `an array named ${path}`;
  for (const [i, part] of parts.entries()) {
    const folder = `/${parts.slice(0, i).join('/')}`;
    const here = `/${parts.slice(0, i + 1).join('/')}`;
    const names = module.get_names(id, folder, false);
    if (!names.includes(part)) {
      throw badHdf5({
        file,
        expected,
        found: names.length ? `only ${names.slice(0, 10).join(', ')}` : 'none',
      });
    }
    if (module.get_external_link(id, here).filename !== undefined) {
      throw badHdf5({ file, expected, found: 'a link into another file, which pcam does not follow' });
    }
    if (module.get_symbolic_link(id, here) !== null) {
      throw badHdf5({ file, expected, found: 'a soft link, which pcam does not follow' });
    }
    const wanted = i === parts.length - 1 ? module.H5G_DATASET : module.H5G_GROUP;
    const type = module.get_type(id, here);
    if (type !== wanted) {
      throw badHdf5({ file, expected, found: type === module.H5G_GROUP ? 'a group' : 'something else' });
    }
  }
  if (parts.length === 0) throw badHdf5({ file, expected, found: 'the root group' });
}

interface Claims {
  file: string;
  path: string;
  metadata: Metadata;
  filters: readonly Filter[];
  fileBytes: number;
}

/** Refuses what a file of its size cannot hold, and what would take too much memory to read. */
function refuseUnsafe({ file, path, metadata, filters, fileBytes }: Claims): void {
  const refuse = (expected: string, found: string) =>
    badHdf5({ file, expected: `${expected} for ${path}`, found });
  const { shape, chunks, virtual_sources } = metadata;
  if (virtual_sources) throw refuse('the data in the file itself', 'a virtual array over other files');
  if (!shape || shape.length === 0) throw refuse('an array with a shape', 'a single value or none');
  if (metadata.vlen || metadata.size < 1)
    throw refuse('elements of a fixed size', 'elements of varying size');
  const bytes = elementsOf(shape) * metadata.size;
  const most = fileBytes * (filters.length ? MAX_RATIO : 1);
  if (!Number.isSafeInteger(bytes) || bytes > most) {
    throw refuse(
      `at most ${most} bytes (from a file of ${fileBytes})`,
      `${bytes} bytes, shape ${text(shape)}`,
    );
  }
  const filter = filters.find(({ id }, i) => !KNOWN_FILTERS.includes(id) || i >= KNOWN_FILTERS.length);
  if (filter) {
    throw refuse('no compression but gzip', `the filter ${filter.id} (${filter.name || 'no name'})`);
  }
  const chunkBytes = chunks ? elementsOf(chunks) * metadata.size : 1;
  if (!(chunkBytes >= 1 && chunkBytes <= MAX_CHUNK_BYTES)) {
    throw refuse(`chunks of 1 to ${MAX_CHUNK_BYTES} bytes`, `chunks of shape ${text(chunks ?? [])}`);
  }
}

function infoOf(metadata: Metadata): ArrayInfo {
  const { type, size, signed, littleEndian, chunks } = metadata;
  const isInteger = [1, 2, 4, 8].includes(size) && (type === INTEGER || (type === ENUMERATION && size === 1));
  const order = littleEndian || size === 1 ? '' : ' big-endian';
  const name =
    type === INTEGER
      ? `${signed ? 'int' : 'uint'}${size * 8}`
      : type === FLOAT
        ? `float${size * 8}`
        : type === ENUMERATION
          ? 'enumeration'
          : `HDF5 type class ${type}`;
  return { shape: metadata.shape ?? [], type: `${name}${order}`, isInteger, signed, size, chunks };
}

const HDF5_MAGIC = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

function notHdf5(file: string, fd: number, cause?: unknown): PcamError {
  const head = Buffer.alloc(HDF5_MAGIC.length);
  readSync(fd, head, 0, head.length, 0);
  let found = 'a file of another format';
  if (head.equals(HDF5_MAGIC)) found = 'an HDF5 file that is cut short or damaged';
  else if (head[0] === 0x1f && head[1] === 0x8b) found = 'a gzip archive';
  return badHdf5({ file, expected: 'an HDF5 file', found, cause });
}
