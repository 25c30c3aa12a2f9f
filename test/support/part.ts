/** Partial downloads on the disk, read and written by a program of its own from the format's description. */
import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { DatasetFile } from '#pcam/manifest/types.js';

export const CHUNK = 256 * 1024;

export const partialFolder = (dir: string) => join(dir, '.pcam', 'partial');

/** Paths of the partial downloads of a file that are there. */
export function partialPaths(dir: string, name: string): string[] {
  try {
    return readdirSync(partialFolder(dir))
      .filter((entry) => entry.startsWith(`${name}.`) && /\.[0-9a-f]{16}$/.test(entry))
      .map((entry) => join(partialFolder(dir), entry));
  } catch {
    return [];
  }
}

export interface Claim {
  index: number;
  crc: number;
}

export async function claims(path: string): Promise<Claim[]> {
  const text = await readFile(`${path}.journal`, 'utf8').catch(() => '');
  // A last line without its end was torn by a crash.
  const lines = text.split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    const [kind, index, crc] = line.split(' ');
    return kind === 'c' ? [{ index: Number(index), crc: Number.parseInt(crc!, 16) }] : [];
  });
}

/** Bytes of the claims that are really there and right, each byte counted once; of the best partial download. */
export async function rightBytes(dir: string, name: string, whole: Buffer): Promise<number> {
  let best = 0;
  for (const path of partialPaths(dir, name)) {
    const partial = await readFile(path).catch(() => Buffer.alloc(0));
    const right = new Map<number, number>();
    for (const { index, crc } of await claims(path)) {
      const end = Math.min((index + 1) * CHUNK, whole.length);
      const bytes = partial.subarray(index * CHUNK, end);
      if (bytes.length === end - index * CHUNK && crc32(bytes) === crc) right.set(index, bytes.length);
    }
    best = Math.max(
      best,
      [...right.values()].reduce((a, b) => a + b, 0),
    );
  }
  return best;
}

/** Leaves a partial download, as a run on another machine did. */
export async function putPartial(
  dir: string,
  { name, md5, bytes }: DatasetFile,
  { content, chunks, run = 'a'.repeat(16) }: { content: Buffer; chunks: readonly number[]; run?: string },
): Promise<string> {
  const path = join(partialFolder(dir), `${name}.${run}`);
  const owner = {
    run,
    pid: 1,
    host: 'elsewhere',
    boot: 'x',
    namespace: 'x',
    started: '1',
    command: 'download',
  };
  const header = JSON.stringify({ pcam: 2, name, md5, bytes, chunkBytes: CHUNK, owner });
  const lines = chunks.map((index) => {
    const crc = crc32(content.subarray(index * CHUNK, (index + 1) * CHUNK));
    return `c ${index} ${crc.toString(16)} web`;
  });
  await mkdir(partialFolder(dir), { recursive: true });
  await writeFile(path, content);
  await writeFile(`${path}.journal`, `${[header, ...lines].join('\n')}\n`);
  return path;
}
