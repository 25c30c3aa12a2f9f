/** The files that --from offers: those of folders, in depth, files that are named, and the members of zip archives. */
import type { Dirent } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { factsOf, fsError, PcamError, throwIfAborted } from '../core/index.js';
import { openFile } from '../fs/index.js';
import { Pass, type PassOptions, type PassResult, passOver } from '../pass/index.js';
import { readMember, readZip, type ZipMember } from './zip.js';

/** Bounds of one place: a home directory is looked through, a whole disk is not. */
const MAX_ENTRIES = 200_000;
const MAX_DEPTH = 16;
/** pcam's own state, whose files are not whole or not right. */
const SKIPPED_FOLDER = '.pcam';
/** Bytes of a zip member that are inflated before they are digested. */
const MAX_READ_AHEAD = 8 * 1024 * 1024;

/** A file on this machine that may hold the bytes of a file of the data set, or their beginning. */
export interface LocalFile {
  readonly path: string;
  /** Set when the bytes are those of a member of the zip archive at `path`. */
  readonly member?: ZipMember;
  /** Without folders. */
  readonly name: string;
  readonly bytes: number;
  /** It lies in the data set folder, and goes once its bytes are taken over. */
  readonly own: boolean;
}

export interface Place {
  readonly path: string;
  readonly files: readonly LocalFile[];
  /** What could not be looked at, one sentence each. */
  readonly problems: readonly string[];
}

/** How messages name a file. */
export function describeFile({ path, member }: LocalFile): string {
  return member ? `${member.name} in ${path}` : path;
}

/** @throws PcamError USAGE when a place does not exist, cannot be read, or is neither folder nor file */
export async function requirePlaces(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      const stats = await stat(path);
      if (stats.isDirectory()) await readdir(path);
      else if (stats.isFile()) await (await openFile(path)).close();
      else throw new PcamError('IO', 'it is a device, pipe or socket');
    } catch (cause) {
      const message = `there is no folder, file or zip archive ${path} to import from, or it cannot be read`;
      throw new PcamError('USAGE', message, { cause, options: ['from'] });
    }
  }
}

/** Lists what lies in a place. What cannot be read there is among the problems, and no error. */
export async function readPlace(path: string, signal: AbortSignal): Promise<Place> {
  const list = new PlaceList();
  try {
    // The place itself may be a link.
    const stats = await stat(path);
    if (stats.isDirectory()) await list.addTree(path, signal);
    else await list.addFile(path, { bytes: stats.size, isNamed: true });
  } catch (error) {
    throw fsError(error, `looking at ${path}`);
  }
  return { path, files: list.files, problems: list.problems };
}

interface Folder {
  readonly path: string;
  readonly depth: number;
}

class PlaceList {
  readonly files: LocalFile[] = [];
  readonly problems: string[] = [];

  /** Goes through a folder, the entries nearest to it first. */
  async addTree(root: string, signal: AbortSignal): Promise<void> {
    const folders: Folder[] = [{ path: root, depth: 0 }];
    let count = 0;
    for (let folder = folders.shift(); folder; folder = folders.shift()) {
      throwIfAborted(signal);
      const { path } = folder;
      const entries = await readdir(path, { withFileTypes: true }).catch((error) => {
        this.#addProblem(fsError(error, `looking into ${path}`));
        return [];
      });
      count += entries.length;
      if (count > MAX_ENTRIES) {
        this.problems.push(`${root} has more than ${MAX_ENTRIES} entries: those from ${path} on`);
        return;
      }
      for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
        folders.push(...(await this.#addEntry(folder, entry)));
    }
  }

  /** @param options.isNamed the caller named this file: it is tried as a zip archive whatever its name */
  async addFile(
    path: string,
    { bytes, isNamed = false }: { bytes: number; isNamed?: boolean },
  ): Promise<void> {
    this.files.push({ path, name: basename(path), bytes, own: false });
    const isZip = extname(path).toLowerCase() === '.zip' || (isNamed && (await beginsAsZip(path)));
    if (!isZip) return;
    try {
      for (const member of await readZip(path)) {
        const name = member.name.replace(/^.*[/\\]/s, '');
        this.files.push({ path, member, name, bytes: member.bytes, own: false });
      }
    } catch (error) {
      // A folder of downloads has zip archives of all kinds.
      if (isNamed || /pcam|camelyon/i.test(basename(path))) this.#addProblem(error);
    }
  }

  /** @returns the folder, where the entry is one to go into */
  async #addEntry({ path, depth }: Folder, entry: Dirent): Promise<Folder[]> {
    const child = join(path, entry.name);
    if (entry.isFile()) {
      const stats = await lstat(child).catch((error) =>
        this.#addProblem(fsError(error, `looking at ${child}`)),
      );
      if (stats) await this.addFile(child, { bytes: stats.size });
    } else if (entry.isSymbolicLink()) {
      // A target inside the place is found there, and one outside is not meant.
      if (/camelyonpatch/i.test(entry.name))
        this.problems.push(`${child} is a link, and links are not followed: name the file that it leads to`);
    } else if (entry.isDirectory() && entry.name !== SKIPPED_FOLDER) {
      if (depth < MAX_DEPTH) return [{ path: child, depth: depth + 1 }];
      this.problems.push(`${child} lies deeper than ${MAX_DEPTH} folders`);
    }
    return [];
  }

  #addProblem(error: unknown): undefined {
    this.problems.push(factsOf(error).message);
  }
}

async function beginsAsZip(path: string): Promise<boolean> {
  return (await readHead(path)).subarray(0, 2).toString('latin1') === 'PK';
}

/** The first bytes of a file, which tell what kind it is. */
export async function readHead(path: string): Promise<Buffer> {
  const handle = await openFile(path);
  try {
    const buffer = Buffer.alloc(512);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Passes over a file or a member of a zip archive, which is inflated on the way. */
export async function passOverLocal(
  { path, bytes, member }: LocalFile,
  options: Omit<PassOptions, 'input' | 'size'>,
): Promise<PassResult> {
  if (!member) return await passOver(bytes, { ...options, input: path });
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const pass = new Pass({ ...options, size: bytes });
  pass.failed.catch((error) => stop.abort(error));
  try {
    let pushed = 0;
    for await (const piece of readMember(path, member, signal)) {
      pass.push(piece);
      pushed += piece.length;
      await pass.reached(pushed - MAX_READ_AHEAD, signal);
    }
    return await pass.end(pushed);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    await pass.stop();
  }
}
