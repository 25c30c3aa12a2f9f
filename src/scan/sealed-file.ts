/**
 * Files of pcam's own that keep what took long to find out: a head, a body of known size, and a digest over both. What
 * is damaged or of another size is as good as nothing.
 */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { openFile, requireOwnFolder, writeFileAtomic } from '../fs/index.js';

const SEAL = { algorithm: 'sha256', bytes: 32 } as const;

/** The body of a file that has this head and so many bytes after it; `undefined` when there is no such file. */
export async function readSealed(path: string, head: Buffer, bytes: number): Promise<Buffer | undefined> {
  const whole = await readExactly(path, head.length + bytes + SEAL.bytes).catch(() => undefined);
  if (!whole) return undefined;
  const seal = createHash(SEAL.algorithm).update(whole.subarray(0, -SEAL.bytes)).digest();
  if (!seal.equals(whole.subarray(-SEAL.bytes)) || !head.equals(whole.subarray(0, head.length)))
    return undefined;
  return whole.subarray(head.length, -SEAL.bytes);
}

/** Writes one, in a folder below pcam's own state folder. @throws what the file system says */
export async function writeSealed(path: string, head: Buffer, body: readonly Uint8Array[]): Promise<void> {
  const hash = createHash(SEAL.algorithm).update(head);
  for (const part of body) hash.update(part);
  for (const folder of [dirname(dirname(path)), dirname(path)]) await requireOwnFolder(folder);
  await writeFileAtomic(path, Buffer.concat([head, ...body, hash.digest()]));
}

async function readExactly(path: string, bytes: number): Promise<Buffer | undefined> {
  const handle = await openFile(path, { follow: false });
  try {
    if ((await handle.stat()).size !== bytes) return undefined;
    const content = await handle.readFile();
    return content.length === bytes ? content : undefined;
  } finally {
    await handle.close();
  }
}

/** Numbers as they are kept: little-endian, whatever the machine. */
export function bytesOf(values: Float64Array): Buffer {
  const bytes = Buffer.alloc(values.byteLength);
  values.forEach((value, i) => void bytes.writeDoubleLE(value, i * Float64Array.BYTES_PER_ELEMENT));
  return bytes;
}

export function numbersOf(bytes: Buffer): Float64Array {
  const step = Float64Array.BYTES_PER_ELEMENT;
  return Float64Array.from({ length: bytes.length / step }, (_, i) => bytes.readDoubleLE(i * step));
}
