/**
 * Receipts of what was verified: the digests of a file, with size, times and inode at the time. They spare reading
 * 7 GB again to say that nothing has changed; they are never the ground to accept a file that was not read.
 */
import type { BigIntStats } from 'node:fs';
import { dirname } from 'node:path';
import { readSmallFile, requireOwnFolder, type Workspace, writeFileAtomic } from '../fs/index.js';
import type { Digests } from '../pass/index.js';

/** A receipt has some 300 bytes. */
const OWN = { most: 16 * 1024 * 1024, follow: false };

interface Receipt {
  bytes: number;
  mtime: string;
  ctime: string;
  inode: string;
  /** Absent where SHA-256, which proves more, was all that was computed. */
  md5?: string;
  sha256?: string;
}

/** A file as its handle saw it when the digests were known. */
export type FileStats = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'ino'>;

export class Receipts {
  readonly #path: string;
  readonly #workspace: Workspace | undefined;
  readonly #receipts: Map<string, Receipt>;
  /** What this run has found out itself. */
  readonly #own = new Map<string, Receipt>();
  #saving: Promise<void> = Promise.resolve();

  private constructor(path: string, receipts: Map<string, Receipt>, workspace: Workspace | undefined) {
    this.#path = path;
    this.#receipts = receipts;
    this.#workspace = workspace;
  }

  /**
   * Receipts that are damaged or missing are no receipts.
   * @param workspace of the run that owns the folder; a verification needs none, as what it notes is true anyway
   */
  static async load(path: string, workspace?: Workspace): Promise<Receipts> {
    return new Receipts(path, await readReceipts(path), workspace);
  }

  /**
   * The digests that a file had when it was last read, if nothing says that it changed since.
   * @param trust `inode`: size, mtime, ctime and inode must hold, which no copy or edit leaves alone;
   *   `mtime`: size and mtime are enough, as after a backup or a CI cache was restored
   */
  digests(name: string, stats: BigIntStats, trust: 'inode' | 'mtime'): Digests | undefined {
    const receipt = this.#receipts.get(name);
    if (!receipt || receipt.bytes !== Number(stats.size) || receipt.mtime !== String(stats.mtimeNs))
      return undefined;
    if (
      trust === 'inode' &&
      (receipt.ctime !== String(stats.ctimeNs) || receipt.inode !== String(stats.ino))
    ) {
      return undefined;
    }
    return { md5: receipt.md5, sha256: receipt.sha256 };
  }

  /**
   * Notes the digests of a file.
   * @param stats of the handle whose bytes were digested, and nothing that a path led to
   */
  async record(
    name: string,
    { size, mtimeNs, ctimeNs, ino }: FileStats,
    { md5, sha256 }: Digests,
  ): Promise<void> {
    if (md5 === undefined && sha256 === undefined) return;
    const receipt = {
      bytes: Number(size),
      mtime: String(mtimeNs),
      ctime: String(ctimeNs),
      inode: String(ino),
      md5,
      sha256,
    };
    this.#receipts.set(name, receipt);
    this.#own.set(name, receipt);
    await this.#save();
  }

  #save(): Promise<void> {
    const save = this.#saving
      .catch(() => {})
      .then(async () => {
        await requireOwnFolder(dirname(this.#path));
        // A verification may run beside a download: each adds what it knows.
        const all = new Map([...(await readReceipts(this.#path)), ...this.#own]);
        const files = Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
        const text = `${JSON.stringify({ version: 1, files }, null, 1)}\n`;
        await (this.#workspace ? this.#workspace.write(this.#path, text) : writeFileAtomic(this.#path, text));
      });
    this.#saving = save;
    return save;
  }
}

async function readReceipts(path: string): Promise<Map<string, Receipt>> {
  const receipts = new Map<string, Receipt>();
  try {
    const json = JSON.parse(await readSmallFile(path, OWN)) as { version?: unknown; files?: unknown };
    if (json.version === 1 && json.files && typeof json.files === 'object') {
      for (const [name, value] of Object.entries(json.files)) if (isReceipt(value)) receipts.set(name, value);
    }
  } catch {
    // Then everything is read again.
  }
  return receipts;
}

function isReceipt(value: unknown): value is Receipt {
  const { bytes, mtime, ctime, inode, md5, sha256 } = (value ?? {}) as Record<string, unknown>;
  return (
    Number.isSafeInteger(bytes) &&
    [mtime, ctime, inode].every((field) => typeof field === 'string') &&
    [md5, sha256].every((digest) => digest === undefined || typeof digest === 'string') &&
    (md5 ?? sha256) !== undefined
  );
}
