/** The HDF5 library, one instance an open file and shut in with that file; the only importer of h5wasm. */
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import type { Module as SharedModule } from 'h5wasm/node';
import { fsError, importBeside, localError, PcamError, systemCode } from '../core/index.js';
import { badHdf5 } from './problems.js';

export type H5Module = typeof SharedModule;
export type { Filter, Metadata } from 'h5wasm/node';

/** The one name that HDF5 can open. Links to other files, external storage and plugins lead nowhere. */
const ONLY_NAME = '/array.h5';
const ENOENT = 44; // as WASI numbers it

/** The part of Emscripten's file layer that a reader goes through. */
interface FileLayer {
  open(path: string): unknown;
  close(stream: { fd: number }): void;
  stat(path: string): Stats;
  lstat(path: string): Stats;
  read(stream: unknown, buffer: unknown, offset: number, length: number, position?: number): number;
  write(stream: unknown, buffer: unknown, offset: number, length: number): number;
  createStream(stream: object): unknown;
  closeStream(fd: number): void;
  ErrnoError: new (errno: number) => Error;
}

/** A library with its own memory: what one broken file does to it cannot reach another file. */
interface Library {
  readonly module: H5Module;
  /** The descriptor behind ONLY_NAME. */
  fd: number;
  /** Hears of every read of the file. */
  onRead: ((place: FilePlace) => void) | undefined;
}

/** Some bytes of a file. */
export interface FilePlace {
  readonly position: number;
  readonly length: number;
}

/** An HDF5 file, open for reading. */
export interface H5File {
  readonly module: H5Module;
  readonly id: bigint;
  /** Size in bytes. */
  readonly bytes: number;
  /** Bytes of the file itself, past HDF5; fewer than `target` has when the file ends. */
  pread(target: Uint8Array, position: number): number;
  /** What HDF5 reads of the file while `run` runs. */
  readsOf(run: () => void): FilePlace[];
  /**
   * Gives everything back. May be called again.
   * @param options.reuse whether the library is still fit for another file, default true
   */
  close(options?: { reuse?: boolean }): void;
}

/** An instance takes some 50 ms to make, so some that closed in order are kept for the next files: 6 MB each. */
const idle: Library[] = [];
const MOST_IDLE = 3;

/**
 * Opens a file.
 * @throws PcamError BAD_HDF5, MISSING, NO_PERMISSION or IO
 */
export async function openHdf5(file: string): Promise<H5File> {
  const fd = openRegularFile(file);
  let opened: H5File | undefined;
  try {
    opened = await openDescriptor(file, fd);
    return opened;
  } finally {
    if (!opened) closeSync(fd);
  }
}

async function openDescriptor(file: string, fd: number): Promise<H5File> {
  // Outside the try: that a library does not start is no fault of the file.
  const library = idle.pop() ?? (await loadLibrary());
  try {
    library.fd = fd;
    return openWith(library, file);
  } catch (error) {
    // The library is dropped with the error: traps leave its inner state unknown.
    library.fd = -1;
    throw error instanceof PcamError ? error : notHdf5(file, fd, error);
  }
}

function openWith(library: Library, file: string): H5File {
  const { module, fd } = library;
  const id = module.open(ONLY_NAME, module.H5F_ACC_RDONLY, false, -1, -1);
  if (id < 0n) throw notHdf5(file, fd);
  let open = true;
  return {
    module,
    id,
    bytes: fstatSync(fd).size,
    pread(target, position) {
      let at = 0;
      for (let read = -1; read !== 0 && at < target.length; at += read) {
        read = readSync(fd, target, at, target.length - at, position + at);
      }
      return at;
    },
    readsOf(run) {
      const places: FilePlace[] = [];
      library.onRead = (place) => places.push(place);
      try {
        run();
      } finally {
        library.onRead = undefined;
      }
      return places;
    },
    close({ reuse = true } = {}) {
      if (!open) return;
      open = false;
      if (reuse && closedInOrder(module, id) && idle.length < MOST_IDLE) idle.push(library);
      library.fd = -1;
      closeSync(fd);
    },
  };
}

function closedInOrder(module: H5Module, id: bigint): boolean {
  try {
    return module.close_file(id) >= 0;
  } catch {
    return false;
  }
}

/** @throws PcamError IO when a limit of this machine does not let the library start */
async function loadLibrary(): Promise<Library> {
  // Emscripten prints why its start failed, and then throws something else. Later, HDF5 prints its error stacks: for nobody.
  let why = '';
  let starting = true;
  const quiet = () => {};
  const options = {
    noInitialRun: true,
    print: quiet,
    printErr(line: string) {
      if (starting) why ||= line;
    },
  };
  try {
    // h5wasm's entry makes a single instance; the factory beside it makes as many as there are open files.
    const { default: create } = (await importBeside('h5wasm/node', 'hdf5_util.js')) as {
      default: (options: object) => Promise<H5Module>;
    };
    const library = { module: await create(options), fd: -1, onRead: undefined };
    starting = false;
    confine(library);
    return library;
  } catch (error) {
    throw localError(why === '' ? error : new Error(why, { cause: error })) ?? error;
  }
}

/** Puts the one open file behind the one name, and the error stacks that HDF5 prints nowhere. */
function confine(library: Library): void {
  const layer = library.module.FS as unknown as FileLayer;
  const known = (path: string) => {
    if (path !== ONLY_NAME || library.fd < 0) throw new layer.ErrnoError(ENOENT);
    return library.fd;
  };
  layer.open = (path) =>
    layer.createStream({ nfd: known(path), position: 0, path, flags: 0, seekable: true, node: { path } });
  // The opener closes the descriptor, also when HDF5 never gets to it.
  layer.close = (stream) => layer.closeStream(stream.fd);
  layer.stat = (path) => fstatSync(known(path));
  layer.lstat = layer.stat;
  const read = layer.read.bind(layer);
  layer.read = (stream, buffer, offset, length, position) => {
    library.onRead?.({ position: position ?? Number.NaN, length });
    return read(stream, buffer, offset, length, position);
  };
  layer.write = (_stream, _buffer, _offset, length) => length;
}

function openRegularFile(file: string): number {
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

const HDF5_MAGIC = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

function notHdf5(file: string, fd: number, cause?: unknown): PcamError {
  const head = Buffer.alloc(HDF5_MAGIC.length);
  readSync(fd, head, 0, head.length, 0);
  let found = 'a file of another format';
  if (head.equals(HDF5_MAGIC)) found = 'an HDF5 file that is cut short or damaged';
  else if (head[0] === 0x1f && head[1] === 0x8b) found = 'a gzip archive';
  return badHdf5({ file, expected: 'an HDF5 file', found, cause });
}
