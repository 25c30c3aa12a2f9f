/** Decoders of a pass: bytes in, decoded bytes out to a sink, and never more than a maximum. */
import { createGunzip, type Gunzip } from 'node:zlib';
import type { DecodeProblem } from './types.js';

/** Buffer of zlib: one read mostly inflates into one buffer, because every further one waits for the event loop. */
const INFLATE_BUFFER_BYTES = 1280 * 1024;
/** zlib is paused at this many bytes that wait for the sink: a read can inflate to a thousand times its size. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

export interface Decoder {
  /** The first thing that went wrong with the data; from then on input is ignored. */
  readonly problem: DecodeProblem | undefined;
  /** Resolves when `bytes` may be used again. Rejects only when the sink does. */
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
  /** Gives up its memory; what is in progress is not carried on. */
  close(): void;
}

export interface DecoderOptions {
  maxBytes: number;
  sink: (bytes: Uint8Array) => Promise<void>;
}

export class CopyDecoder implements Decoder {
  problem: DecodeProblem | undefined;
  readonly #options: DecoderOptions;
  #bytes = 0;

  constructor(options: DecoderOptions) {
    this.#options = options;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.problem) return;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#options.maxBytes) {
      this.problem = tooLarge(this.#options.maxBytes);
      return;
    }
    // The reader uses its buffer again, and the sink writes behind our back.
    await this.#options.sink(Buffer.from(bytes));
  }

  async end(): Promise<void> {}

  close(): void {}
}

/**
 * gzip (RFC 1952), also of several members. zlib's stream stops at trailing bytes without a word when they do not
 * look like a member, so the bytes that it took are counted.
 */
export class GunzipDecoder implements Decoder {
  problem: DecodeProblem | undefined;
  readonly #options: DecoderOptions;
  readonly #gunzip: Gunzip;
  /** After an error zlib's callbacks do not come any more, but 'close' always does. */
  readonly #closed: Promise<void>;
  readonly #ready: Uint8Array[] = [];
  #waiting = 0;
  /** Resolves once so much waits for the sink that zlib was told to pause. */
  #full = newSignal();
  #given = 0;
  #bytes = 0;
  #magic = false;

  constructor(options: DecoderOptions) {
    this.#options = options;
    this.#gunzip = createGunzip({ chunkSize: INFLATE_BUFFER_BYTES });
    this.#gunzip.on('data', (bytes: Uint8Array) => this.#take(bytes));
    this.#gunzip.on('error', (error: NodeJS.ErrnoException) => {
      this.problem ??= this.#explain(error);
    });
    this.#closed = new Promise((resolve) => this.#gunzip.once('close', resolve));
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.problem) return;
    if (this.#given === 0) this.#magic = bytes[0] === 0x1f && bytes[1] === 0x8b;
    this.#given += bytes.length;
    const consumed = new Promise<void>((resolve) => this.#gunzip.write(bytes, () => resolve()));
    // The output of earlier chunks is digested and written while zlib inflates this one.
    await this.#passOnUntil(Promise.race([consumed, this.#closed]));
  }

  async end(): Promise<void> {
    this.#gunzip.end();
    await this.#passOnUntil(this.#closed);
    if (this.problem) return;
    await this.#drain();
    const trailing = this.#given - this.#gunzip.bytesWritten;
    if (trailing > 0) {
      this.problem = {
        reason: 'trailing-bytes',
        detail: `${trailing} bytes follow the end of the gzip data`,
      };
    }
  }

  close(): void {
    this.#gunzip.destroy();
  }

  #take(bytes: Uint8Array): void {
    if (this.problem) return;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#options.maxBytes) {
      this.problem = tooLarge(this.#options.maxBytes);
      this.#gunzip.destroy();
      return;
    }
    this.#ready.push(bytes);
    this.#waiting += bytes.length;
    if (this.#waiting < MAX_WAITING_BYTES) return;
    this.#gunzip.pause();
    this.#full.raise();
  }

  /** Takes what waits for the sink, and again whenever that has become so much that zlib was told to pause. */
  async #passOnUntil(over: Promise<void>): Promise<void> {
    const ended = over.then(() => 'over');
    do {
      await this.#drain();
      this.#full = newSignal();
      this.#gunzip.resume();
    } while ((await Promise.race([ended, this.#full.raised])) !== 'over');
  }

  async #drain(): Promise<void> {
    for (let bytes = this.#ready.shift(); bytes; bytes = this.#ready.shift()) {
      this.#waiting -= bytes.length;
      await this.#options.sink(bytes);
    }
  }

  #explain({ code, message }: NodeJS.ErrnoException): DecodeProblem {
    if (code === 'Z_BUF_ERROR') return { reason: 'ends-early', detail: 'the gzip data ends too early' };
    if (!/header|compression method/.test(message)) return { reason: 'damaged', detail: message };
    if (!this.#magic) return { reason: 'not-gzip', detail: 'it does not begin as gzip data do' };
    return {
      reason: 'trailing-bytes',
      detail: 'bytes that are no gzip data follow the end of the gzip data',
    };
  }
}

interface Signal {
  readonly raised: Promise<void>;
  raise(): void;
}

function newSignal(): Signal {
  let raise = () => {};
  const raised = new Promise<void>((resolve) => {
    raise = resolve;
  });
  return { raised, raise };
}

function tooLarge(maxBytes: number): DecodeProblem {
  return { reason: 'too-large', detail: `it decompresses to more than ${maxBytes} bytes` };
}
