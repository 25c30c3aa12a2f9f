/**
 * A partial download: `NAME.RUN` holds the bytes of a file as far as they are there, and the journal `NAME.RUN.journal`
 * says which chunks those are. RUN is the word of the run that writes; no other run ever writes to the same file.
 *
 * The journal is text, appended after the bytes it speaks of were written. A line is a claim, not proof: on resume each
 * chunk is read back and its checksum compared, so it does not matter in which order the disk kept what.
 *
 *     {"pcam":2,"name":"…","md5":"…","bytes":6421353462,"chunkBytes":262144,"owner":{…}}   which file, and who writes
 *     c 17 9ae0daaf gdrive                                                                  chunk 17: CRC-32, source
 *     v gdrive "etag"                                                                       validator of a source's copy
 *     s 4096                                                                                size, learned on the way
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { fsError, systemCode, throwIfAborted } from '../core/index.js';
import {
  copyInto,
  makeFolder,
  type Owner,
  openFile,
  parseOwner,
  type RunFolder,
  readSmallFile,
  requireOwnFolder,
  retryBusy,
  stateOf,
  UnfitFile,
  writeAll,
} from '../fs/index.js';
import { type DatasetFile, unpackedOf } from '../manifest/index.js';
import { CHUNK_BYTES, ChunkMap } from './chunks.js';

const JOURNAL = '.journal';
/** The chunks of 6.4 GB make a journal of 0.7 MB. */
export const MAX_JOURNAL_BYTES = 32 * 1024 * 1024;

/** What a journal says: which chunks are there, what is known of the copies, and which run writes. */
export interface Claims {
  owner: Owner | undefined;
  size: number | undefined;
  validators: Map<string, string>;
  chunks: Map<number, { crc: number; source: string }>;
}

export interface OpenPartialOptions {
  /** The directory of all partial downloads. */
  folder: string;
  run: RunFolder;
  onCheck?: (bytes: number, of: number) => void;
}

export class PartialFile {
  readonly path: string;
  readonly chunks: ChunkMap;
  /** Bytes that an earlier run left and that passed the check. */
  readonly resumed: number;
  readonly #file: DatasetFile;
  readonly #run: RunFolder;
  readonly #handle: FileHandle;
  readonly #crcs = new Map<number, number>();
  #journal: Journal;

  private constructor(path: string, { file, run, handle, claims, journal }: OpenPartial) {
    this.path = path;
    this.#file = file;
    this.#run = run;
    this.#handle = handle;
    this.#journal = journal;
    this.chunks = new ChunkMap(file.bytes ?? claims.size);
    for (const [id, validator] of claims.validators) this.chunks.validators.set(id, validator);
    for (const [index, { crc, source }] of claims.chunks) this.#add(index, crc, source);
    this.resumed = this.chunks.bytes;
  }

  /**
   * Opens the partial download of a file: this run's own, one that an earlier run left, or a new one. Each chunk that
   * the journal claims is read back; a chunk whose checksum does not hold is forgotten, and only that.
   */
  static async open(file: DatasetFile, { folder, run, onCheck }: OpenPartialOptions): Promise<PartialFile> {
    const path = join(folder, `${file.name}.${run.id}`);
    let handle: FileHandle | undefined;
    try {
      await requireOwnFolder(folder);
      await makeFolder(folder);
      const claimed = await takeOver(file, { folder, run, path });
      handle = await openFile(path, { flags: constants.O_RDWR | constants.O_CREAT, follow: false });
      const chunks = await rightChunks(handle, claimed, { file, signal: run.signal, onCheck });
      const claims = { ...claimed, ...withoutDoubtfulSize(file, claimed.size, chunks) };
      const journal = await Journal.create(
        run,
        path + JOURNAL,
        textOf(file, { ...claims, owner: run.owner }),
      );
      return new PartialFile(path, { file, run, handle, claims, journal });
    } catch (error) {
      await handle?.close();
      throwIfAborted(run.signal);
      throw fsError(error, `opening the partial download ${path}`);
    }
  }

  async write(index: number, bytes: Uint8Array, source: string): Promise<void> {
    try {
      await writeAll(this.#handle, bytes, index * CHUNK_BYTES);
      const crc = crc32(bytes);
      this.#journal.append(chunkLine(index, crc, source));
      this.#add(index, crc, source);
    } catch (error) {
      throw fsError(error, `writing the partial download ${this.path}`);
    }
  }

  /** Copies the beginning of a file that another tool left. */
  async copyBeginning(from: string, source: string): Promise<void> {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    const other = await openFile(from);
    try {
      for (let index = 0; index < this.chunks.total; index++) {
        throwIfAborted(this.#run.signal);
        const chunk = buffer.subarray(0, this.chunks.lengthOf(index));
        if (!(await readWhole(other, chunk, index * CHUNK_BYTES))) return;
        await this.write(index, chunk, source);
      }
    } finally {
      await other.close();
    }
  }

  setSize(size: number): void {
    if (this.chunks.size === size) return;
    this.chunks.size = size;
    this.#journal.append(`s ${size}\n`);
  }

  setValidator(source: string, validator: string): void {
    this.chunks.validators.set(source, validator);
    this.#journal.append(validatorLine(source, validator));
  }

  /** Forgets the chunks of one source, or all. */
  async discard(which: { from: string } | 'everything'): Promise<void> {
    const isMeant = (source: string | undefined) => which === 'everything' || source === which.from;
    for (const index of [...this.chunks]) if (isMeant(this.chunks.sourceOf(index))) this.chunks.remove(index);
    for (const source of [...this.chunks.validators.keys()])
      if (isMeant(source)) this.chunks.validators.delete(source);
    if (this.#file.bytes === undefined) this.#forgetSize();
    try {
      await this.#journal.close();
      this.#journal = await Journal.create(
        this.#run,
        this.path + JOURNAL,
        textOf(this.#file, this.#claims()),
      );
      if (which === 'everything') await this.#handle.truncate();
    } catch (error) {
      throw fsError(error, `writing the partial download ${this.path}`);
    }
  }

  /** Closes and removes it. */
  async remove(): Promise<void> {
    await this.close();
    await this.#run.remove(this.path + JOURNAL);
    await this.#run.remove(this.path);
  }

  /** Flushes what is there, so that the file does not change any more. */
  async flush(): Promise<void> {
    try {
      await this.#handle.sync();
    } catch (error) {
      throw fsError(error, `flushing the partial download ${this.path}`);
    }
  }

  /** True while the path still names the file that is open here. */
  async isInPlace(): Promise<boolean> {
    try {
      const [own, there] = await Promise.all([this.#handle.stat(), stat(this.path)]);
      return own.ino === there.ino; // not the device: see `FileIdentity`
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw fsError(error, `reading the partial download ${this.path}`);
    }
  }

  /** True when what is on the disk is still what was written: reads all of it again. */
  async isUnchanged(): Promise<boolean> {
    if (!(await this.isInPlace())) return false;
    try {
      const claims = this.#claims();
      const options = { file: this.#file, signal: this.#run.signal };
      return (await rightChunks(this.#handle, claims, options)).size === claims.chunks.size;
    } catch (error) {
      throwIfAborted(this.#run.signal);
      throw fsError(error, `reading the partial download ${this.path}`);
    }
  }

  async close(): Promise<void> {
    await this.#journal.close().catch(() => {}); // its claims are lost, and what they speak of is fetched again
    await this.#handle.close();
  }

  /** A size that a source gave may have been wrong, and with it the length of the last chunk. */
  #forgetSize(): void {
    const last = this.chunks.total - 1;
    if (this.chunks.lengthOf(last) < CHUNK_BYTES) this.chunks.remove(last);
    this.chunks.size = undefined;
  }

  #add(index: number, crc: number, source: string): void {
    this.#crcs.set(index, crc);
    this.chunks.add(index, source);
  }

  #claims(): Claims {
    const { size, validators } = this.chunks;
    const chunks = new Map(
      [...this.chunks].map((index) => {
        const claim = { crc: this.#crcs.get(index)!, source: this.chunks.sourceOf(index)! };
        return [index, claim] as const;
      }),
    );
    return { owner: this.#run.owner, size, validators, chunks };
  }
}

interface OpenPartial {
  file: DatasetFile;
  run: RunFolder;
  handle: FileHandle;
  claims: Claims;
  journal: Journal;
}

/** Writes the journal of a partial download whose bytes come from elsewhere; gives the path where they belong. */
export async function createPartial(
  file: DatasetFile,
  { folder, run, chunks }: { folder: string; run: RunFolder; chunks: Claims['chunks'] },
): Promise<string> {
  const path = join(folder, `${file.name}.${run.id}`);
  await makeFolder(folder);
  const claims = { owner: run.owner, size: undefined, validators: new Map(), chunks };
  await run.write(path + JOURNAL, textOf(file, claims));
  return path;
}

/** Removes the partial downloads of a file in any form, whichever run they are of. */
export async function removePartials(folder: string, file: DatasetFile, run: RunFolder): Promise<void> {
  for (const form of formsOf(file)) {
    const names = await partialNames(folder, form);
    // Journals go first: without one, bytes claim nothing.
    for (const name of names) await run.remove(join(folder, name) + JOURNAL);
    for (const name of names) await run.remove(join(folder, name));
  }
}

export interface PartialStats {
  /** There is a partial download, perhaps of a run that has not got a chunk yet. */
  readonly exists: boolean;
  /** A journal claims chunks; unchecked. */
  readonly begun: boolean;
  /** Bytes on the disk. */
  readonly bytes: number;
}

/** The partial downloads of a file in any form. */
export async function statPartials(folder: string, file: DatasetFile): Promise<PartialStats> {
  let bytes = 0;
  let exists = false;
  let begun = false;
  for (const form of formsOf(file)) {
    for (const name of await partialNames(folder, form)) {
      const path = join(folder, name);
      exists = true;
      bytes += await stat(path).then(allocatedBytes, () => 0);
      const claims = await readJournal(path + JOURNAL, form).catch(() => undefined);
      begun ||= claims !== undefined && claims.chunks.size > 0;
    }
  }
  return { exists, begun, bytes };
}

/** A partial download has holes. Blocks have 512 bytes, whatever the file system's are; Windows reports none. */
function allocatedBytes({ blocks, size }: Stats): number {
  return blocks ? blocks * 512 : size;
}

function formsOf(file: DatasetFile): DatasetFile[] {
  const unpacked = unpackedOf(file);
  return unpacked ? [file, unpacked] : [file];
}

/** Names of the partial downloads of a file, by their journals or their bytes. */
async function partialNames(folder: string, { name }: DatasetFile): Promise<string[]> {
  const there = await readdir(folder).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return [];
    throw error;
  });
  const isRun = (word: string) => /^[0-9a-f]{16}$/.test(word);
  const names = there
    .filter((entry) => entry.startsWith(`${name}.`))
    .map((entry) => (entry.endsWith(JOURNAL) ? entry.slice(0, -JOURNAL.length) : entry))
    .filter((entry) => isRun(entry.slice(name.length + 1)));
  return [...new Set(names)];
}

interface TakeOverOptions {
  folder: string;
  run: RunFolder;
  /** The partial download of this run. */
  path: string;
}

/**
 * Makes the best partial download that is there this run's own, and removes the others. The file of a run that is shown
 * to have ended is renamed. Any other run may still write to its file, so that one is copied.
 * @returns what its journal claims
 */
async function takeOver(file: DatasetFile, { folder, run, path }: TakeOverOptions): Promise<Claims> {
  const nothing: Claims = { owner: run.owner, size: undefined, validators: new Map(), chunks: new Map() };
  const names = await partialNames(folder, file);
  const left = await Promise.all(
    names.map(async (name) => ({
      name,
      claims: (await readJournal(join(folder, name) + JOURNAL, file)) ?? nothing,
    })),
  );
  left.sort((a, b) => b.claims.chunks.size - a.claims.chunks.size);
  let taken: Claims | undefined;
  for (const { name, claims } of left) {
    const from = join(folder, name);
    const isOwn = from === path;
    if (!taken && claims.chunks.size > 0 && (isOwn || (await take(from, file, { claims, run, path })))) {
      taken = claims;
      if (isOwn) continue;
    }
    await run.remove(from + JOURNAL);
    await run.remove(from);
  }
  return taken ?? nothing;
}

/** @returns false when there is no file of bytes */
async function take(
  from: string,
  file: DatasetFile,
  { claims, run, path }: { claims: Claims; run: RunFolder; path: string },
): Promise<boolean> {
  const stats = await lstat(from).catch(() => undefined);
  if (!stats?.isFile()) return false;
  const hasEnded = claims.owner !== undefined && (await stateOf(claims.owner)) === 'ended';
  // The journal comes first: a run that is killed in between leaves one journal too many, and no bytes without one.
  await run.write(path + JOURNAL, textOf(file, { ...claims, owner: run.owner }));
  try {
    if (hasEnded) await retryBusy(() => rename(from, path));
    else await copyInto(from, path, run.signal);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** A size that was learned from a source counts once the file is whole by it: a wrong one would keep out every source that has the right one. */
function withoutDoubtfulSize(
  file: DatasetFile,
  size: number | undefined,
  chunks: Claims['chunks'],
): Pick<Claims, 'size' | 'chunks'> {
  if (file.bytes !== undefined || size === undefined) return { size: undefined, chunks };
  const map = new ChunkMap(size);
  for (const [index, { source }] of chunks) map.add(index, source);
  if (map.complete) return { size, chunks };
  return {
    size: undefined,
    chunks: new Map([...chunks].filter(([index]) => map.lengthOf(index) === CHUNK_BYTES)),
  };
}

interface CheckOptions {
  file: DatasetFile;
  signal: AbortSignal;
  onCheck?: (bytes: number, of: number) => void;
}

/** Reads back the chunks that are claimed; those whose checksum holds. */
async function rightChunks(
  handle: FileHandle,
  { size, chunks }: Claims,
  { file, signal, onCheck }: CheckOptions,
): Promise<Claims['chunks']> {
  const map = new ChunkMap(file.bytes ?? size);
  const there = (await handle.stat()).size;
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  const right: Claims['chunks'] = new Map();
  let checked = 0;
  for (const [index, claim] of chunks) {
    throwIfAborted(signal);
    if (index >= map.total || index * CHUNK_BYTES >= there) continue;
    const chunk = buffer.subarray(0, map.lengthOf(index));
    if ((await readWhole(handle, chunk, index * CHUNK_BYTES)) && crc32(chunk) === claim.crc)
      right.set(index, claim);
    onCheck?.(++checked * CHUNK_BYTES, chunks.size * CHUNK_BYTES);
  }
  return right;
}

/** @returns false when the file ends before */
export async function readWhole(handle: FileHandle, bytes: Buffer, position: number): Promise<boolean> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}

/** Appends lines, one write at a time: lines that come meanwhile are written together. */
class Journal {
  readonly #path: string;
  readonly #handle: FileHandle;
  #pending = '';
  #writing: Promise<void> | undefined;
  #failure: unknown;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Starts a journal with this text, in place of whatever is there. */
  static async create(run: RunFolder, path: string, text: string): Promise<Journal> {
    await run.write(path, text);
    const flags = constants.O_WRONLY | constants.O_APPEND;
    return new Journal(path, await openFile(path, { flags, follow: false }));
  }

  /** @throws PcamError what an earlier write failed of */
  append(line: string): void {
    if (this.#failure) throw this.#failure;
    this.#pending += line;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#handle.close();
    if (this.#failure) throw this.#failure;
  }

  async #write(): Promise<void> {
    try {
      while (this.#pending !== '') {
        const lines = this.#pending;
        this.#pending = '';
        await this.#handle.appendFile(lines);
      }
    } catch (error) {
      this.#failure = fsError(error, `writing ${this.#path}`);
    }
  }
}

/** What a journal of this very file claims; undefined when there is none, or it belongs to another version. */
export async function readJournal(path: string, file: DatasetFile): Promise<Claims | undefined> {
  let text: string;
  try {
    text = await readSmallFile(path, { maxBytes: MAX_JOURNAL_BYTES, follow: false });
  } catch (error) {
    if (error instanceof UnfitFile || ['ENOENT', 'ELOOP', 'ENXIO'].includes(systemCode(error)))
      return undefined;
    throw error;
  }
  const [first, ...lines] = text.split('\n');
  const claims = parseHeader(first!, file);
  lines.pop(); // what follows the last line end is empty, or a torn line
  if (claims) for (const line of lines) parseLine(line, claims);
  return claims;
}

function headerOf({ name, md5, bytes }: DatasetFile): object {
  return { pcam: 2, name, md5, bytes, chunkBytes: CHUNK_BYTES };
}

function parseHeader(line: string, file: DatasetFile): Claims | undefined {
  try {
    const { owner, ...header } = JSON.parse(line) as { owner?: unknown };
    if (JSON.stringify(header) !== JSON.stringify(headerOf(file))) return undefined;
    return { owner: parseOwner(owner), size: undefined, validators: new Map(), chunks: new Map() };
  } catch {
    return undefined;
  }
}

function parseLine(line: string, claims: Claims): void {
  const chunk = /^c (\d{1,12}) ([0-9a-f]{1,8}) (\S{1,80})$/.exec(line);
  if (chunk) {
    claims.chunks.set(Number(chunk[1]), { crc: Number.parseInt(chunk[2]!, 16), source: chunk[3]! });
    return;
  }
  const size = /^s (\d{1,16})$/.exec(line);
  if (size && Number.isSafeInteger(Number(size[1]))) {
    claims.size = Number(size[1]);
    return;
  }
  const validator = /^v (\S{1,80}) (".*")$/.exec(line);
  if (!validator) return;
  try {
    claims.validators.set(validator[1]!, String(JSON.parse(validator[2]!)));
  } catch {
    // A line that is damaged claims nothing.
  }
}

function textOf(file: DatasetFile, { owner, size, validators, chunks }: Claims): string {
  const lines = [`${JSON.stringify({ ...headerOf(file), owner })}\n`];
  if (size !== undefined && file.bytes === undefined) lines.push(`s ${size}\n`);
  for (const [source, validator] of validators) lines.push(validatorLine(source, validator));
  for (const [index, { crc, source }] of chunks) lines.push(chunkLine(index, crc, source));
  return lines.join('');
}

function chunkLine(index: number, crc: number, source: string): string {
  return `c ${index} ${crc.toString(16)} ${source}\n`;
}

function validatorLine(source: string, validator: string): string {
  return `v ${source} ${JSON.stringify(validator)}\n`;
}
