/** What the journal beside a part claims, read by a program of its own from the format's description. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

export interface Claim {
  start: number;
  end: number;
  crc: number;
}

export const partPath = (dir: string, name: string) => join(dir, '.pcam', 'parts', `${name}.part`);
export const journalPath = (dir: string, name: string) => join(dir, '.pcam', 'parts', `${name}.journal`);

export async function claims(dir: string, name: string): Promise<Claim[]> {
  const text = await readFile(journalPath(dir, name), 'utf8').catch(() => '');
  // A last line without its end was torn by a crash.
  const lines = text.split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    const [kind, start, end, crc] = line.split(' ');
    return kind === 'r' ? [{ start: Number(start), end: Number(end), crc: Number.parseInt(crc!, 16) }] : [];
  });
}

/** Bytes of the claims that are really there and right, each byte counted once. */
export async function rightBytes(dir: string, name: string, whole: Buffer): Promise<number> {
  const part = await readFile(partPath(dir, name)).catch(() => Buffer.alloc(0));
  const there = new Uint8Array(whole.length);
  for (const { start, end, crc } of await claims(dir, name)) {
    const bytes = part.subarray(start, end);
    if (bytes.length === end - start && crc32(bytes) === crc) there.fill(1, start, end);
  }
  return there.reduce((sum, byte) => sum + byte, 0);
}
