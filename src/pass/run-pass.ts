/**
 * What a pass does: reads a file in order, as far as it is there, feeds the digests, and decodes it into an output
 * file. Inflating and disk access run on libuv's thread pool while this thread computes digests.
 */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { openFile, writeAll } from '../fs/index.js';
import { CopyDecoder, type Decoder, GunzipDecoder } from './decoders.js';
import { doing } from './failure.js';
import type { Growth } from './growth.js';
import type { Digested, DigestName, Digests, PassOutput, PassRequest, PassResult } from './protocol.js';
import { isChanged, readThrough, statsOf } from './read-through.js';

/** Bytes that are digested before the event loop gets a turn, so that the inflater on the thread pool never waits. */
const SLICE = 256 * 1024;
const PROGRESS_EVERY = 4 * 1024 * 1024;
/** The output goes to the disk while the rest is still on its way, so that the last flush is a short one. */
const FLUSH_EVERY = 128 * 1024 * 1024;

class DigestSet {
  readonly #hashes: [DigestName, Hash][];

  constructor(names: readonly DigestName[]) {
    this.#hashes = names.map((name) => [name, createHash(name)]);
  }

  async update(bytes: Uint8Array): Promise<void> {
    if (this.#hashes.length === 0) return;
    for (let at = 0; at < bytes.length; at += SLICE) {
      for (const [, hash] of this.#hashes) hash.update(bytes.subarray(at, at + SLICE));
      await setImmediate();
    }
  }

  digest(): Digests {
    return Object.fromEntries(this.#hashes.map(([name, hash]) => [name, hash.digest('hex')]));
  }
}

/** Writes what the decoder puts out, one write in progress at a time, with its digests. */
class Output {
  bytes = 0;
  readonly #digests: DigestSet;
  readonly #handle: FileHandle;
  #writing: Promise<unknown> = Promise.resolve();
  #flushing: Promise<unknown> | undefined;
  #flushError: unknown;
  #flushed = 0;

  private constructor(handle: FileHandle, digests: DigestSet) {
    this.#handle = handle;
    this.#digests = digests;
  }

  static async create({ path, digests }: PassOutput): Promise<Output> {
    await rm(path, { force: true });
    return new Output(await open(path, 'wx'), new DigestSet(digests));
  }

  async add(bytes: Uint8Array): Promise<void> {
    await this.#writing;
    this.#writing = writeAll(this.#handle, bytes, this.bytes);
    this.#writing.catch(() => {}); // reported by the next add, or by finish
    this.bytes += bytes.length;
    this.#flush();
    await this.#digests.update(bytes);
  }

  #flush(): void {
    if (this.#flushing || this.bytes - this.#flushed < FLUSH_EVERY) return;
    this.#flushed = this.bytes;
    this.#flushing = this.#handle
      .datasync()
      .catch((error) => {
        // The system tells of bytes that it could not write once: the flush at the end would know nothing of it.
        this.#flushError = error;
      })
      .then(() => {
        this.#flushing = undefined;
      });
  }

  async finish(): Promise<Digested> {
    await this.#writing;
    await this.#flushing;
    if (this.#flushError) throw this.#flushError;
    await this.#handle.sync();
    const stats = statsOf(await this.#handle.stat({ bigint: true }));
    return { bytes: this.bytes, digests: this.#digests.digest(), stats };
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#flushing;
    await this.#handle.close();
  }
}

function createDecoder({ decode, most }: PassOutput, output: Output): Decoder {
  const sink = (bytes: Uint8Array) => output.add(bytes);
  return decode === 'gunzip' ? new GunzipDecoder({ most, sink }) : new CopyDecoder({ most, sink });
}

export interface PassHooks {
  /** How far the input is there. */
  growth: Growth;
  onProgress(read: number, written: number): void;
}

/** @throws Failure: what the file system says; what `growth` is stopped with */
export async function runPass(request: PassRequest, { growth, onProgress }: PassHooks): Promise<PassResult> {
  const digests = new DigestSet(request.digests);
  const handle = await doing(`reading ${request.input}`, openFile(request.input));
  let output: Output | undefined;
  let decoder: Decoder | undefined;
  try {
    output = request.output && (await doing(`writing ${request.output.path}`, Output.create(request.output)));
    decoder = output && createDecoder(request.output!, output);
    const before = await handle.stat({ bigint: true });
    let reported = 0;
    const { input: path, window } = request;
    // Where bytes go round, new ones wait for the place of those that were read.
    const every = window === undefined ? PROGRESS_EVERY : 0;
    const bytes = await readThrough({
      path,
      handle,
      window,
      limit: (position) => growth.beyond(position),
      async take(chunk, position) {
        const decoded = decoder?.write(chunk);
        decoded?.catch(() => {}); // reported when it is awaited
        await digests.update(chunk);
        if (decoded) await doing(`writing ${request.output!.path}`, decoded);
        if (position - reported < every) return;
        reported = position;
        onProgress(position, output?.bytes ?? 0);
      },
    });
    const after = await handle.stat({ bigint: true });
    const input = {
      bytes,
      digests: digests.digest(),
      stats: statsOf(after),
      changed: isChanged(before, after),
    };
    if (!output) return { input };
    await doing(`writing ${request.output!.path}`, decoder!.end());
    const problem = decoder!.problem;
    if (problem) return { input, problem };
    return { input, output: await doing(`writing ${request.output!.path}`, output.finish()) };
  } finally {
    decoder?.close();
    await handle.close();
    await output?.close();
  }
}
