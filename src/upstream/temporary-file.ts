/** Writes a stream of bytes to a temporary file, compressed or as it is, with the digests that a manifest entry needs. */
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { abortError, fsError, throwIfAborted } from '../core/index.js';
import { type FileIdentity, writeAll } from '../fs/index.js';

/** A file that is written and waits for its final name. */
export interface TemporaryFile {
  readonly temporary: string;
  /** What the file was when it was whole. */
  readonly identity: FileIdentity;
  readonly bytes: number;
  readonly md5: string;
  readonly sha256: string;
  /** The content before compression. */
  readonly plain: { readonly bytes: number; readonly md5: string };
}

export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Bytes that are produced while the thread pool compresses: else each would wait for the other. */
const MAX_READ_AHEAD = 4 * 1024 * 1024;
/** RFC 1952: deflate, no name, no time, made on Unix. zlib's own names the operating system. */
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);

/**
 * @param options.temporary where to write it; nothing is there
 * @param options.shownAs what messages call the file, default its temporary name
 * @throws PcamError DISK_FULL, NO_PERMISSION, …, ABORTED; the temporary file is removed then
 */
export async function writeTemporary(options: {
  temporary: string;
  shownAs?: string;
  content: Bytes;
  gzip: boolean;
  signal?: AbortSignal;
}): Promise<TemporaryFile> {
  const { temporary, shownAs = temporary, content, gzip, signal } = options;
  const plain = new Tally('md5');
  const stored = new Tally('md5', 'sha256');
  const source = plain.watch(content);
  try {
    const handle = await open(temporary, 'wx');
    try {
      let at = 0;
      for await (const piece of stored.watch(gzip ? compress(source) : source)) {
        throwIfAborted(signal);
        await writeAll(handle, piece, at);
        at += piece.length;
      }
      const identity = await handle.stat({ bigint: true });
      const [md5, sha256] = stored.digests() as [string, string];
      const [plainMd5] = plain.digests() as [string];
      return {
        ...{ temporary, identity, md5, sha256 },
        bytes: stored.bytes,
        plain: { bytes: plain.bytes, md5: plainMd5 },
      };
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(temporary, { force: true });
    throw signal?.aborted ? abortError(signal) : fsError(error, `writing ${shownAs}`);
  }
}

/**
 * Huffman codes alone: tissue is noise-like, so that matching would win little and take four times as long. One version
 * of Node.js writes the same bytes everywhere; another one may come with another zlib and write other bytes, so nothing
 * compares archives but by the digests of the manifest that is written with them.
 */
async function* compress(content: Bytes): AsyncGenerator<Uint8Array, void, void> {
  const gzip = createGzip({ strategy: constants.Z_HUFFMAN_ONLY, chunkSize: 1 << 18 });
  const fed = pipeline(Readable.from(content, { objectMode: false, highWaterMark: MAX_READ_AHEAD }), gzip);
  // Its failure also ends the loop below; the handler only keeps it from being reported twice.
  fed.catch(() => {});
  let first = true;
  for await (const piece of gzip as AsyncIterable<Buffer>) {
    if (first) piece.set(GZIP_HEADER);
    first = false;
    yield piece;
  }
  await fed;
}

/** Counts and digests bytes on their way. */
class Tally {
  bytes = 0;
  readonly #hashes;

  constructor(...algorithms: readonly string[]) {
    this.#hashes = algorithms.map((algorithm) => createHash(algorithm));
  }

  async *watch(content: Bytes): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of content) {
      this.bytes += piece.length;
      for (const hash of this.#hashes) hash.update(piece);
      yield piece;
    }
  }

  digests(): string[] {
    return this.#hashes.map((hash) => hash.digest('hex'));
  }
}
