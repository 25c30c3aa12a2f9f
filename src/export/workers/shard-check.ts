/** Whether shards that were written before are still as their records say. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fsError, systemCode } from '../../core/index.js';
import { neverBlocking, requireNoLinks } from '../../fs/index.js';
import { parseList } from '../encode/index.js';
import type { FileRecord } from '../output/index.js';

const READ_BYTES = 1024 * 1024;

/** Whether files of the folder `out`, and all that they list, are as their records say. */
export async function areRight(out: string, known: readonly FileRecord[]): Promise<boolean> {
  for (const record of known) if (!(await isRight(out, record))) return false;
  return true;
}

async function isRight(out: string, { file, bytes, sha256, contents }: FileRecord): Promise<boolean> {
  const text: Buffer[] | undefined = contents && [];
  if (!hasDigest({ path: join(out, file), sha256, bytes, text })) return false;
  if (!contents) return true;
  const list = parseList(Buffer.concat(text!).toString('utf8'));
  await requireNoLinks(out, new Set(list.map((listed) => dirname(listed.file))));
  return (
    list.length === contents.files &&
    list.every((listed) => hasDigest({ path: join(out, listed.file), sha256: listed.sha256 }))
  );
}

interface Expected {
  path: string;
  sha256: string;
  bytes?: number;
  /** Takes the bytes that were digested. */
  text?: Buffer[];
}

function hasDigest({ path, sha256, bytes, text }: Expected): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | neverBlocking(false));
    const stats = fstatSync(fd);
    if (!stats.isFile() || (bytes !== undefined && stats.size !== bytes)) return false;
    return digestOf(fd, text) === sha256;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENXIO'].includes(systemCode(error))) return false;
    throw fsError(error, `reading ${path}`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function digestOf(fd: number, text: Buffer[] | undefined): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  for (let read = -1; read !== 0; ) {
    read = readSync(fd, buffer);
    hash.update(buffer.subarray(0, read));
    text?.push(Buffer.from(buffer.subarray(0, read)));
  }
  return hash.digest('hex');
}
