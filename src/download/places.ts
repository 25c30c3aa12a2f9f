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
const MAX_READ_AHEAD = 16 * 1024 * 1024;

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

/** Lists what lies in a place. Nothing in it is an error; links are not followed, as what they lead to inside is found there. */
export async function readPlace(path: string, signal: AbortSignal): Promise<Place> {
  const files: LocalFile[] = [];
  const problems: string[] = [];
  const folders: { path: string; depth: number }[] = [];
  let entries = 0;

  const addFile = async (file: string) => {
    const { size } = await lstat(file);
    files.push({ path: file, name: basename(file), bytes: size, own: false });
    if (extname(file).toLowerCase() === '.zip')
      await addMembers(file, { silent: !/pcam|camelyon/i.test(file) });
  };
  const addMembers = async (zip: string, { silent = false } = {}) => {
    try {
      for (const member of await readZip(zip)) {
        const name = member.name.replace(/^.*[/\\]/s, '');
        files.push({ path: zip, member, name, bytes: member.bytes, own: false });
      }
    } catch (error) {
      if (!silent) problems.push(factsOf(error).message);
    }
  };
  const addEntry = async (folder: { path: string; depth: number }, entry: Dirent) => {
    const child = join(folder.path, entry.name);
    try {
      if (entry.isFile()) await addFile(child);
      else if (entry.isSymbolicLink() && /camelyonpatch/i.test(entry.name))
        problems.push(`${child} is a link, and links are not followed: name the file that it leads to`);
      else if (entry.isDirectory() && entry.name !== SKIPPED_FOLDER) {
        if (folder.depth < MAX_DEPTH) folders.push({ path: child, depth: folder.depth + 1 });
        else problems.push(`${child} lies deeper than ${MAX_DEPTH} folders, and was not looked at`);
      }
    } catch (error) {
      problems.push(fsError(error, `looking at ${child}`).message);
    }
  };

  // The place itself may be a link.
  const stats = await stat(path);
  if (!stats.isDirectory()) {
    files.push({ path, name: basename(path), bytes: stats.size, own: false });
    if (await beginsAsZip(path)) await addMembers(path);
    return { path, files, problems };
  }
  folders.push({ path, depth: 0 });
  for (let folder = folders.shift(); folder; folder = folders.shift()) {
    throwIfAborted(signal);
    const { path: current } = folder;
    const found = await readdir(current, { withFileTypes: true }).catch((error) => {
      problems.push(fsError(error, `looking into ${current}`).message);
      return [];
    });
    entries += found.length;
    if (entries > MAX_ENTRIES) {
      problems.push(
        `${path} has more than ${MAX_ENTRIES} files: those from ${current} on were not looked at`,
      );
      break;
    }
    for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) await addEntry(folder, entry);
  }
  return { path, files, problems };
}

async function beginsAsZip(path: string): Promise<boolean> {
  const head = await readHead(path);
  return head.subarray(0, 2).toString('latin1') === 'PK' || extname(path).toLowerCase() === '.zip';
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
