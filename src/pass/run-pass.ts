/**
 * The job of a pass: takes bytes in order, as far as they are there, digests them, and decodes them into an output
 * file. Inflating and disk access run on libuv's thread pool while this thread computes digests.
 */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { fsError } from '../core/index.js';
import { writeAll } from '../fs/index.js';
import type { Job, JobContext } from '../threads/index.js';
import { CopyDecoder, type Decoder, GunzipDecoder } from './decoders.js';
import { openInput, readInput } from './read.js';
import {
  type Digested,
  type DigestName,
  type Digests,
  isChanged,
  outcomeOf,
  type PassOutput,
  type PassResult,
  type ReadOutcome,
  statsOf,
} from './types.js';

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

function createDecoder({ decode, maxBytes }: PassOutput, output: Output): Decoder {
  const sink = (bytes: Uint8Array) => output.add(bytes);
  return decode === 'gunzip' ? new GunzipDecoder({ maxBytes, sink }) : new CopyDecoder({ maxBytes, sink });
}

export interface PassRequest {
  /** The file to read. @default the bytes are pushed */
  readonly input?: string;
  readonly digests: readonly DigestName[];
  readonly output?: PassOutput;
}

/** What a pass is told while it runs. */
export type PassMessage =
  /** So many bytes of the input file are there, from the start. */
  | { readonly type: 'available'; readonly bytes: number }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly bytes: number };

export interface PassProgress {
  readonly read: number;
  readonly written: number;
}

export const passJob: Job<PassRequest, ReadOutcome<PassResult>, PassProgress, PassMessage> = {
  name: 'pass',
  doing: ({ input, output }) => (input === undefined ? `writing ${output?.path}` : `reading ${input}`),
  run: (request, context) => outcomeOf(runPass(request, context)),
};

async function runPass(
  { input: path, digests: names, output: wanted }: PassRequest,
  { signal, report, onMessage }: JobContext<PassProgress, PassMessage>,
): Promise<PassResult> {
  const arriving = new Arriving(signal);
  onMessage((message) => arriving.add(message));
  const digests = new DigestSet(names);
  const handle = path === undefined ? undefined : await openInput(path);
  let output: Output | undefined;
  let decoder: Decoder | undefined;
  try {
    output = wanted && (await writing(wanted, Output.create(wanted)));
    decoder = output && createDecoder(wanted!, output);
    const before = await handle?.stat({ bigint: true });
    const input = handle ? readInput(handle, path!, (at) => arriving.beyond(at)) : arriving.pushed();
    let read = 0;
    let reported = 0;
    for await (const bytes of input) {
      const decoded = decoder?.write(bytes);
      decoded?.catch(() => {}); // reported when it is awaited
      await digests.update(bytes);
      if (decoded) await writing(wanted!, decoded);
      read += bytes.length;
      if (read - reported < PROGRESS_EVERY) continue;
      reported = read;
      report({ read, written: output?.bytes ?? 0 });
    }
    const after = await handle?.stat({ bigint: true });
    const result = {
      bytes: read,
      digests: digests.digest(),
      stats: after && statsOf(after),
      changed: after !== undefined && isChanged(before!, after),
    };
    if (!output) return { input: result };
    await writing(wanted!, decoder!.end());
    const problem = decoder!.problem;
    if (problem) return { input: result, problem };
    return { input: result, output: await writing(wanted!, output.finish()) };
  } finally {
    decoder?.close();
    await handle?.close();
    await output?.close();
  }
}

/** Waits for a step of the output, and says of what the system refuses which file it was about. */
async function writing<T>({ path }: PassOutput, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    throw fsError(error, `writing ${path}`);
  }
}

/** The bytes of the input that have arrived. */
class Arriving {
  #available = 0;
  #ended = false;
  readonly #pushed: Uint8Array[] = [];
  readonly #signal: AbortSignal;
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  add(message: PassMessage): void {
    if (message.type === 'bytes') this.#pushed.push(message.bytes);
    else this.#available = Math.max(this.#available, message.bytes);
    if (message.type === 'end') this.#ended = true;
    this.#wake();
  }

  /** Resolves to how many bytes of the input file are there, once that is more than `position` or all. */
  async beyond(position: number): Promise<number> {
    while (this.#available <= position && !this.#ended) await this.#more();
    this.#signal.throwIfAborted();
    return this.#available;
  }

  async *pushed(): AsyncGenerator<Uint8Array> {
    for (;;) {
      while (this.#pushed.length === 0 && !this.#ended) await this.#more();
      this.#signal.throwIfAborted();
      const bytes = this.#pushed.shift();
      if (!bytes) return;
      yield bytes;
    }
  }

  async #more(): Promise<void> {
    this.#signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
