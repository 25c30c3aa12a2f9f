/** One array of an HDF5 file: what it is, refused before a byte is read where that is unsafe, and its slices. */
import { elementsOf, messageOf, PcamError } from '../core/index.js';
import { type ArrayInfo, findBlock } from './block.js';
import { type Filter, type H5File, type H5Module, type Metadata, openHdf5 } from './hdf5.js';
import { badHdf5 } from './problems.js';

/** An open array. Elements come in C order, and little-endian whatever the file has. */
export interface ArrayReader {
  readonly file: string;
  readonly path: string;
  readonly info: ArrayInfo;
  /**
   * Reads the hyperslab at `offset` of shape `count`, at most `LARGEST_READ` bytes, into `target`.
   * @throws PcamError BAD_HDF5
   */
  read(slab: { offset: readonly number[]; count: readonly number[]; target: Uint8Array }): void;
  close(): void;
}

/** Most bytes of one read: it lies in the memory of HDF5 and is copied out. */
export const LARGEST_READ = 64 * 1024 * 1024;
const LARGEST_CHUNK = 256 * 1024 * 1024;
/** What HDF5 may hold while it unpacks: a chunk as it is stored, the same unpacked, and a read. */
const UNPACKING_MEMORY = 2 * LARGEST_CHUNK + 128 * 1024 * 1024;
/** How far the memory of a wasm32 library can grow. */
const ADDRESS_SPACE = 2 ** 31;
/** Deflate packs no tighter than this, so an array that claims more is not in its file. */
const LARGEST_RATIO = 1032;
/** Filters that every build of HDF5 has: deflate, shuffle, fletcher32. */
const KNOWN_FILTERS = [1, 2, 3];
const INTEGER = 0;
const FLOAT = 1;
const ENUMERATION = 8;

/**
 * Opens the array at `path` (such as `x`) of an HDF5 file: contiguous, chunked, or chunked with gzip.
 * Links are not followed.
 * @throws PcamError BAD_HDF5 naming the file, what was expected and what was found; MISSING, NO_PERMISSION, IO
 */
export async function openArray(file: string, path: string): Promise<ArrayReader> {
  const h5 = await openHdf5(file);
  try {
    findArray(h5, file, path);
    const metadata = h5.module.get_dataset_metadata(h5.id, path);
    const filters = metadata.chunks ? h5.module.get_dataset_filters(h5.id, path) : [];
    refuseUnsafe({ file, path, metadata, filters, fileBytes: h5.bytes });
    if (filters.length > 0) limitMemory(h5.module);
    return new Hdf5ArrayReader({ h5, file, path, info: describe(metadata, filters) });
  } catch (error) {
    h5.close({ reuse: false });
    throw error instanceof PcamError ? error : unreadable(file, path, error);
  }
}

class Hdf5ArrayReader implements ArrayReader {
  readonly file: string;
  readonly path: string;
  readonly info: ArrayInfo;
  readonly #h5: H5File;
  /** A block in the library's memory that reads go through. */
  #block = 0;
  #blockBytes = 0;
  #open = true;
  /** Where the first element is in the file, when all lie one after the other and HDF5 has nothing to do but copy. */
  #direct: number | undefined;

  constructor({ h5, file, path, info }: { h5: H5File; file: string; path: string; info: ArrayInfo }) {
    this.#h5 = h5;
    this.file = file;
    this.path = path;
    this.info = info;
    this.#direct = findBlock(h5, info, (index, target) => {
      const row = info.shape.slice(1).map(BigInt);
      this.#read({ offset: [BigInt(index), ...row.map(() => 0n)], count: [1n, ...row], target });
    });
  }

  read({ offset, count, target }: Parameters<ArrayReader['read']>[0]): void {
    const bytes = elementsOf(count) * this.info.size;
    if (bytes > LARGEST_READ || bytes !== target.length) {
      throw new RangeError(`a read of ${bytes} bytes into ${target.length}; the most is ${LARGEST_READ}`);
    }
    if (!this.#open) throw new PcamError('USAGE', `${this.file} is read after it was closed`);
    if (bytes === 0) return;
    try {
      if (this.#readDirect({ offset, count, target })) return;
      this.#read({ offset: offset.map(BigInt), count: count.map(BigInt), target });
    } catch (error) {
      this.#open = false;
      this.#h5.close({ reuse: false });
      throw unreadable(this.file, this.path, error);
    }
  }

  /** @returns false when it is not a range of whole rows of an array that lies in one block */
  #readDirect({ offset, count, target }: Parameters<ArrayReader['read']>[0]): boolean {
    if (this.#direct === undefined) return false;
    const row = this.info.shape.slice(1);
    const whole = row.every((n, i) => count[i + 1] === n && offset[i + 1] === 0);
    const [start = 0, rows = 0] = [offset[0], count[0]];
    if (!whole || start < 0 || start + rows > this.info.shape[0]!) return false;
    const read = this.#h5.pread(target, this.#direct + start * elementsOf(row));
    if (read !== target.length) throw new Error('the file ends before its data');
    return true;
  }

  #read({ offset, count, target }: { offset: bigint[]; count: bigint[]; target: Uint8Array }): void {
    const { module, id } = this.#h5;
    const block = this.#reserve(target.length);
    const strides = count.map(() => 1n);
    const status = module.get_dataset_data(id, this.path, count, offset, strides, BigInt(block));
    // A read that failed leaves in the block whatever stood there before.
    if (status < 0) throw new Error('HDF5 could not read the slice');
    target.set(module.HEAPU8.subarray(block, block + target.length));
  }

  #reserve(bytes: number): number {
    if (bytes > this.#blockBytes) {
      const { module } = this.#h5;
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
    if (this.#block) this.#h5.module._free(this.#block);
    // Memory that was limited for one file would be too small for the next.
    this.#h5.close({ reuse: !this.info.filtered });
  }
}

/** Sees to it that `path` names an array that lies in this very file, before anything follows it. */
function findArray(h5: H5File, file: string, path: string): void {
  const { module, id } = h5;
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
  const most = fileBytes * (filters.length ? LARGEST_RATIO : 1);
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
  if (!(chunkBytes >= 1 && chunkBytes <= LARGEST_CHUNK)) {
    throw refuse(`chunks of 1 to ${LARGEST_CHUNK} bytes`, `chunks of shape ${text(chunks ?? [])}`);
  }
}

/**
 * A few kilobytes of deflate can unpack to gigabytes, and HDF5 unpacks a chunk whatever it should hold.
 * A block that is taken and never touched costs no memory, and leaves HDF5 just the room that it needs.
 */
function limitMemory(module: H5Module): void {
  const spare = ADDRESS_SPACE - module.HEAPU8.length - UNPACKING_MEMORY;
  if (spare > 0) module._malloc(spare);
}

function describe(metadata: Metadata, filters: readonly Filter[]): ArrayInfo {
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
  const filtered = filters.length > 0;
  return { shape: metadata.shape ?? [], type: `${name}${order}`, isInteger, signed, size, chunks, filtered };
}

/** `(32768, 96, 96, 3)`. */
export function text(shape: readonly number[]): string {
  return `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
}

function unreadable(file: string, path: string, cause: unknown): PcamError {
  const expected = `an array named ${path} that can be read`;
  const found = `one that HDF5 cannot read (${messageOf(cause).split('\n')[0]})`;
  return badHdf5({ file, expected, found, cause });
}
