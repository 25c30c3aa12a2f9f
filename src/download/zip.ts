/**
 * Reads zip archives as browsers and Google Drive leave them: the list of members, with zip64, and the bytes of one.
 * Nothing is ever extracted by the name of a member. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import type { FileHandle } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { fsError, PcamError, systemCode, throwIfAborted } from '../core/index.js';
import { openFile } from '../fs/index.js';

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END_SIGNATURE = 0x06064b50;
const ZIP64_END_BYTES = 56;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const ZIP64_EXTRA = 1;
/** The value of a 32-bit field whose number is in the zip64 extra field. */
const IN_ZIP64 = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;

/** A list of some hundred thousand members; a larger one is not of a data set. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 512 * 1024;

/** A zip archive, or a member, that cannot be read as one. */
export class BadZip extends PcamError {
  constructor(subject: string, problem: string) {
    super('IO', `${subject} ${problem}`, {
      hint: 'fetch the zip archive again, or unpack it and name the folder',
    });
  }
}

export interface ZipMember {
  /** As the archive gives it, folders included: for messages alone. */
  readonly name: string;
  /** Size, by the archive's word; `readMember` never gives more. */
  readonly bytes: number;
  readonly packedBytes: number;
  readonly method: number;
  readonly encrypted: boolean;
  /** Where the member's own header is. */
  readonly offset: number;
}

/**
 * The members of an archive, folders left out.
 * @throws BadZip, or PcamError when the file cannot be read
 */
export async function readZip(path: string): Promise<ZipMember[]> {
  return await withZip(path, async (handle) => {
    const { offset, bytes } = await findList(handle, path);
    if (bytes > MAX_LIST_BYTES) throw new BadZip(path, 'lists more members than pcam reads');
    const list = await readAt(handle, { path, offset, bytes });
    const members: ZipMember[] = [];
    for (let at = 0; at + ENTRY_BYTES <= list.length; ) {
      if (list.readUInt32LE(at) !== ENTRY_SIGNATURE) throw new BadZip(path, 'has a damaged list of members');
      const end =
        at + ENTRY_BYTES + [28, 30, 32].reduce((sum, field) => sum + list.readUInt16LE(at + field), 0);
      if (end > list.length) throw new BadZip(path, 'has a damaged list of members');
      const member = parseEntry(list.subarray(at, end), path);
      if (!member.name.endsWith('/')) members.push(member);
      at = end;
    }
    return members;
  });
}

/**
 * The bytes of a member, never more than the archive said that it has.
 * @throws BadZip when it is encrypted, damaged or of another size; PcamError when the file cannot be read; ABORTED
 */
export async function* readMember(
  path: string,
  member: ZipMember,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { name, bytes, packedBytes, method, encrypted } = member;
  const subject = `${name} in ${path}`;
  if (encrypted) throw new BadZip(subject, 'is encrypted');
  if (method !== STORED && method !== DEFLATED)
    throw new BadZip(subject, `is compressed by method ${method}, which pcam does not read`);
  if (packedBytes === 0) throw new BadZip(subject, 'is empty');
  const handle = await openZip(path);
  try {
    const start = await dataOffset(handle, path, member);
    const options = { start, end: start + packedBytes - 1, autoClose: false, highWaterMark: READ_BYTES };
    const packed = handle.createReadStream(options);
    // Whoever reads the end of the pipeline hears of its errors.
    const stream: Readable =
      method === DEFLATED ? pipeline(packed, createInflateRaw({ chunkSize: READ_BYTES }), () => {}) : packed;
    let read = 0;
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      throwIfAborted(signal);
      read += piece.length;
      if (read > bytes) throw new BadZip(subject, `has more than the ${bytes} bytes that are listed`);
      yield piece;
    }
    if (read < bytes) throw new BadZip(subject, `has ${read} bytes, and ${bytes} are listed`);
  } catch (error) {
    if (systemCode(error).startsWith('Z_')) throw new BadZip(subject, 'is damaged');
    throw fsError(error, `reading ${path}`);
  } finally {
    await handle.close();
  }
}

async function openZip(path: string): Promise<FileHandle> {
  return await openFile(path).catch((error) => {
    throw fsError(error, `reading ${path}`);
  });
}

async function withZip<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await openZip(path);
  try {
    return await work(handle);
  } catch (error) {
    throw fsError(error, `reading ${path}`);
  } finally {
    await handle.close();
  }
}

/** Where the list of members is: its end record is the last thing in the file, before a comment. */
async function findList(handle: FileHandle, path: string): Promise<{ offset: number; bytes: number }> {
  const { size } = await handle.stat();
  const tailBytes = Math.min(size, END_BYTES + MAX_COMMENT_BYTES + ZIP64_LOCATOR_BYTES);
  const tail = await readAt(handle, { path, offset: size - tailBytes, bytes: tailBytes });
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue;
    if (at + END_BYTES + tail.readUInt16LE(at + 20) > tail.length) continue;
    const locator = at - ZIP64_LOCATOR_BYTES;
    if (locator >= 0 && tail.readUInt32LE(locator) === ZIP64_LOCATOR_SIGNATURE) {
      const offset = sizeAt(tail, locator + 8, path);
      const end = await readAt(handle, { path, offset, bytes: ZIP64_END_BYTES });
      if (end.readUInt32LE(0) !== ZIP64_END_SIGNATURE) throw new BadZip(path, 'has a damaged zip64 record');
      return { bytes: sizeAt(end, 40, path), offset: sizeAt(end, 48, path) };
    }
    return { bytes: tail.readUInt32LE(at + 12), offset: tail.readUInt32LE(at + 16) };
  }
  throw new BadZip(path, 'is not a zip archive, or is cut short: it has no list of members at its end');
}

function parseEntry(entry: Buffer, path: string): ZipMember {
  const nameEnd = ENTRY_BYTES + entry.readUInt16LE(28);
  const extra = zip64Extra(entry.subarray(nameEnd, nameEnd + entry.readUInt16LE(30)));
  let at = 0;
  // The extra field has only the numbers that do not fit into 32 bits, in this order.
  const number = (field: number) => {
    const value = entry.readUInt32LE(field);
    if (value !== IN_ZIP64) return value;
    if (at + 8 > extra.length) throw new BadZip(path, 'has a damaged zip64 field');
    at += 8;
    return sizeAt(extra, at - 8, path);
  };
  const bytes = number(24);
  const packedBytes = number(20);
  return {
    name: entry.toString('utf8', ENTRY_BYTES, nameEnd),
    bytes,
    packedBytes,
    offset: number(42),
    method: entry.readUInt16LE(10),
    encrypted: (entry.readUInt16LE(8) & ENCRYPTED_FLAG) !== 0,
  };
}

function zip64Extra(fields: Buffer): Buffer {
  for (let at = 0; at + 4 <= fields.length; at += 4 + fields.readUInt16LE(at + 2)) {
    if (fields.readUInt16LE(at) === ZIP64_EXTRA)
      return fields.subarray(at + 4, at + 4 + fields.readUInt16LE(at + 2));
  }
  return fields.subarray(0, 0);
}

/** The header before the data may have other fields than the entry in the list. */
async function dataOffset(handle: FileHandle, path: string, { offset, name }: ZipMember): Promise<number> {
  const header = await readAt(handle, { path, offset, bytes: LOCAL_BYTES });
  if (header.readUInt32LE(0) !== LOCAL_SIGNATURE)
    throw new BadZip(`${name} in ${path}`, 'is not where it is listed');
  return offset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

function sizeAt(bytes: Buffer, at: number, path: string): number {
  const size = Number(bytes.readBigUInt64LE(at));
  if (!Number.isSafeInteger(size)) throw new BadZip(path, 'has an impossible size or offset');
  return size;
}

async function readAt(
  handle: FileHandle,
  { path, offset, bytes }: { path: string; offset: number; bytes: number },
): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await handle.read(buffer, at, bytes - at, offset + at);
    if (bytesRead === 0) throw new BadZip(path, 'is cut short');
    at += bytesRead;
  }
  return buffer;
}
