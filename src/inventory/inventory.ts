/** What lies on the disk: which files of the manifest are there, and whose bytes they hold. */
import { join } from 'node:path';
import { type OnEvent, TaskReporter } from '../core/index.js';
import { statFile } from '../fs/index.js';
import type { DatasetFile, Manifest } from '../manifest/index.js';
import { type DigestName, type Digests, passOver } from '../pass/index.js';
import type { Receipts } from '../store/index.js';

/** One form of one file of the manifest: the archive, or what comes out of it. */
export interface Content {
  readonly file: DatasetFile;
  readonly form: 'archive' | 'final';
  /** The name that it has in the data set folder. */
  readonly name: string;
  readonly md5: string;
  readonly sha256?: string;
  readonly bytes?: number;
}

/** The forms of a file: a gzip archive and its content, or just the file. */
export function contentsOf(file: DatasetFile): Content[] {
  const { name, md5, sha256, bytes, extracted } = file;
  if (!extracted) return [{ file, form: 'final', name, md5, sha256, bytes }];
  return [
    { file, form: 'final', name: extracted.name, md5: extracted.md5, bytes: extracted.bytes },
    { file, form: 'archive', name, md5, sha256, bytes },
  ];
}

export function allContents(manifest: Manifest): Content[] {
  return manifest.files.flatMap(contentsOf);
}

/** A file that was found and read (or whose receipt holds). */
export interface Found {
  readonly path: string;
  readonly bytes: number;
  readonly digests: Digests;
  /** The digests come from a receipt; the file was not read. */
  readonly fromReceipt: boolean;
}

export function holds(found: Found, content: Content): boolean {
  const { md5, sha256 } = found.digests;
  if (md5 !== content.md5) return false;
  return content.sha256 === undefined || sha256 === undefined || sha256 === content.sha256;
}

export interface ReadOptions {
  /** Receipts apply to the data set folder alone. */
  receipts?: Receipts;
  trust?: 'inode' | 'mtime' | 'nothing';
  signal: AbortSignal;
  onEvent?: OnEvent;
  /** Keep what was found out; false where the folder cannot be written to. */
  record?: boolean;
}

/**
 * Reads a file and digests it.
 * @returns undefined when there is none
 * @throws PcamError when something stands there that is no file, or it cannot be read
 */
export async function readFound(
  folder: string,
  content: Content,
  options: ReadOptions,
): Promise<Found | undefined> {
  const { receipts, trust = 'inode', signal, onEvent, record = true } = options;
  const path = join(folder, content.name);
  const stats = await statFile(path);
  if (!stats) return undefined;
  const bytes = Number(stats.size);
  const known = trust === 'nothing' ? undefined : receipts?.digests(content.name, stats, trust);
  // A receipt from before the manifest gave a SHA-256 does not say enough.
  if (known && (content.sha256 === undefined || known.sha256 !== undefined)) {
    return { path, bytes, digests: known, fromReceipt: true };
  }
  const task = new TaskReporter(
    { task: content.name, step: 'check', unit: 'bytes', done: 0, total: bytes },
    onEvent,
  );
  const names: DigestName[] = content.sha256 === undefined ? ['md5'] : ['md5', 'sha256'];
  const result = await passOver(bytes, {
    input: path,
    digests: names,
    signal,
    onProgress: (read) => task.progress({ done: read }),
  }).finally(() => task.end());
  const { digests } = result.input;
  // A folder that cannot be written to can be verified all the same.
  if (record) await receipts?.record(content.name, stats, digests).catch(() => {});
  return { path, bytes, digests, fromReceipt: false };
}
