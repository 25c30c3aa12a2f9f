/** Brings all missing bytes of one file into its part, over as many requests and sources as the pool allows. */
import { setMaxListeners } from 'node:events';
import { type Clock, PcamError, throwIfAborted } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { type RangeReply, SourceFailure } from '../net/index.js';
import { BLOCK, type PartFile } from '../store/index.js';
import { type Piece, Plan } from './range-plan.js';
import type { RateLimit } from './rate-limit.js';
import type { Lease, SourcePool } from './source-pool.js';

/** Progress that pays off a source's earlier failures; less is one more failure. */
const REAL_PROGRESS = 64 * 1024;
/** What was received is written and journalled at least this often (ms), so that little is lost on slow links. */
const FLUSH_EVERY = 1000;

/** What a request has not brought in this time (ms) is asked of another source, or over another connection. */
const SILENT_AFTER = 5000;

export interface TransferOptions {
  file: DatasetFile;
  part: PartFile;
  pool: SourcePool;
  limit: RateLimit;
  clock: Clock;
  signal: AbortSignal;
  /** Bytes as they come in, before they are written. */
  onReceived?: (source: string, bytes: number) => void;
  /** A source was refused because its copy has another size than an earlier source told. */
  onOtherSize?: (source: string) => void;
}

/** The copy of a source is not the one that its earlier bytes came from: they must be forgotten. */
export class SourceChanged extends Error {
  constructor(readonly source: string) {
    super(`the copy at ${source} changed`);
  }
}

/**
 * @throws PcamError NO_SOURCE when bytes are missing and no source can bring them
 * @throws SourceChanged when a source's copy is not the one of its earlier bytes
 */
export async function transferFile(options: TransferOptions): Promise<void> {
  const own = new AbortController();
  const signal = AbortSignal.any([options.signal, own.signal]);
  setMaxListeners(0, signal);
  const transfer = new Transfer({ ...options, signal }, () => own.abort());
  try {
    await transfer.run();
  } catch (error) {
    throwIfAborted(options.signal);
    throw error;
  } finally {
    own.abort();
    await transfer.settled();
  }
}

class Transfer {
  readonly #options: TransferOptions;
  readonly #plan: Plan;
  readonly #lanes = new Set<Promise<void>>();
  /** Bytes a second of one request, the last ones counting most. */
  #speed = 0;
  /** Until a reply has told the size, and whether ranges work, one lane is enough. */
  #opened = false;
  #cancelWatch: () => void = () => {};
  #fatal: unknown;
  #noSource: PcamError | undefined;
  /** Sources that have told the validator of their copy in this transfer. */
  readonly #told = new Set<string>();

  readonly #stop: () => void;

  /** @param stop ends all lanes, those that wait for a source included */
  constructor(options: TransferOptions, stop: () => void) {
    this.#options = options;
    this.#stop = stop;
    this.#plan = new Plan(options.part.done, options.part.size);
  }

  async run(): Promise<void> {
    const { part, file } = this.#options;
    if (part.complete) return;
    this.#startLane();
    this.#watch();
    try {
      while (this.#lanes.size > 0) await Promise.race(this.#lanes);
    } finally {
      this.#cancelWatch();
    }
    if (this.#fatal !== undefined) throw this.#fatal;
    if (part.complete) return;
    throw (
      this.#noSource ?? new PcamError('INTERNAL', `${file.name}: bytes are missing and nobody fetches them`)
    );
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#lanes);
  }

  /** Looks now and then whether a request has fallen silent, and sends a lane to take over what it has left. */
  #watch(): void {
    this.#cancelWatch = this.#options.clock.after(SILENT_AFTER, () => {
      const { pool, file } = this.#options;
      const silent = this.#plan.silent(this.#silentSince());
      if (silent && this.#lanes.size < pool.lanes(file)) this.#startLane({ idle: pool.idle(file) });
      this.#watch();
    });
  }

  #silentSince(): number {
    return this.#options.clock.now() - SILENT_AFTER;
  }

  #startLane({ idle = false } = {}): void {
    const lane: Promise<void> = this.#lane(idle)
      .catch((error: unknown) => {
        if (this.#options.part.complete) return;
        if (error instanceof PcamError && error.code === 'NO_SOURCE') {
          this.#noSource = error;
          return;
        }
        this.#fatal ??= error;
        this.#stop();
      })
      .finally(() => this.#lanes.delete(lane));
    this.#lanes.add(lane);
  }

  /** Opens as many lanes as there are places at the sources and bytes worth a request. */
  #widen(): void {
    const { pool, file, part } = this.#options;
    this.#opened = true;
    const missing = this.#plan.size - part.done.size;
    const most = Math.min(pool.lanes(file), Math.ceil(missing / BLOCK));
    while (this.#lanes.size < most) this.#startLane();
  }

  /** One lane: a lease, a piece, a request, and again. */
  async #lane(idle: boolean): Promise<void> {
    const { pool, file, part, signal } = this.#options;
    while (this.#fatal === undefined && !part.complete) {
      const lease = await pool.lease(file, signal, { idle });
      const piece = this.#plan.take(this.#speed, this.#silentSince());
      if (!piece) {
        lease.release({ progressed: false });
        return;
      }
      const from = piece.start;
      let failure: SourceFailure | undefined;
      try {
        await this.#fetch(lease, piece);
      } catch (error) {
        if (!(error instanceof SourceFailure)) throw error;
        failure = error;
      } finally {
        this.#plan.give(piece);
        const got = piece.at - from;
        const progressed = !failure || got >= REAL_PROGRESS || got * 4 >= piece.end - from;
        lease.release({ progressed: progressed && got > 0, failure });
      }
    }
    if (part.complete) this.#stop();
  }

  async #fetch(lease: Lease, piece: Piece): Promise<void> {
    const { file, signal } = this.#options;
    const { source } = lease;
    throwIfAborted(signal);
    piece.waitingSince = this.#options.clock.now();
    const validator = this.#knownValidator(source.id);
    const reply = await source.open(file, { start: piece.start, end: piece.end, validator }, signal);
    try {
      // The whole file, with no word of which: what was asked for under If-Range is no longer there.
      if (!reply.ranged && reply.validator === undefined && validator !== undefined) {
        throw new SourceChanged(source.id);
      }
      await this.#welcome(source.id, reply);
      piece.end = Math.min(piece.end, this.#plan.size);
      if (!reply.ranged) {
        this.#options.pool.markSingle(file, source.id);
        this.#plan.extend(piece);
      }
      if (!this.#opened) this.#widen();
      await this.#receive(source.id, reply, piece);
    } finally {
      reply.discard();
    }
  }

  /** Looks at size and validator before a byte of the reply is kept. */
  async #welcome(sourceId: string, { total, validator }: RangeReply): Promise<void> {
    const { part, file } = this.#options;
    if (total !== undefined) {
      if (part.size !== undefined && part.size !== total) {
        const known = file.bytes === undefined ? 'other sources have' : 'the manifest says';
        if (file.bytes === undefined) this.#options.onOtherSize?.(sourceId);
        throw new SourceFailure('wrong', `its copy has ${total} bytes, ${known} ${part.size}`);
      }
      await part.setSize(total);
      this.#plan.size = total;
    }
    if (validator === undefined) return;
    const earlier = this.#knownValidator(sourceId);
    if (earlier !== undefined && earlier !== validator) throw new SourceChanged(sourceId);
    this.#told.add(sourceId);
    if (part.validatorOf(sourceId) !== validator) await part.setValidator(sourceId, validator);
  }

  /** The validator that all further bytes of a source must have: that of bytes which are there, or were promised. */
  #knownValidator(sourceId: string): string | undefined {
    const { part } = this.#options;
    // What it told a moment ago counts even before a byte of that reply is written.
    const counts = this.#told.has(sourceId) || (part.contributions().get(sourceId) ?? 0) > 0;
    return counts ? part.validatorOf(sourceId) : undefined;
  }

  /** Writes the body block by block, skipping what is before the piece, until the piece or the body ends. */
  async #receive(sourceId: string, reply: RangeReply, piece: Piece): Promise<void> {
    const { part, limit, clock, signal, onReceived } = this.#options;
    const buffer = new Block(Math.min(BLOCK, Number.isFinite(piece.end) ? piece.end - piece.start : BLOCK));
    const flush = async () => {
      if (buffer.length === 0) return;
      await part.write(piece.at, buffer.bytes(), sourceId);
      piece.at += buffer.length;
      buffer.clear();
    };
    let position = reply.start;
    let flushed = clock.now();
    const began = flushed;
    try {
      for await (let chunk of reply.body) {
        piece.waitingSince = undefined;
        await limit.take(chunk.length, signal);
        const skip = Math.min(chunk.length, Math.max(0, piece.start - position));
        // What another lane has taken over is not ours any more, though it may just have come.
        const ours = Math.max(0, piece.end - piece.at - buffer.length);
        onReceived?.(sourceId, skip + Math.min(chunk.length - skip, ours));
        position += chunk.length;
        chunk = chunk.subarray(skip);
        while (chunk.length > 0 && piece.at + buffer.length < piece.end) {
          chunk = chunk.subarray(buffer.fill(chunk, piece.end - piece.at));
          piece.reached = piece.at + buffer.length;
          if (buffer.full) await flush();
        }
        if (chunk.length > 0 && piece.end === this.#plan.size && position > this.#plan.size) {
          throw new SourceFailure('wrong', `it sends more than the ${this.#plan.size} bytes of the file`);
        }
        if (piece.at + buffer.length >= piece.end) break;
        if (clock.now() - flushed >= FLUSH_EVERY) {
          await flush();
          flushed = clock.now();
        }
        piece.waitingSince = clock.now();
      }
    } finally {
      // What came before a failure, or a Ctrl-C, is kept as well.
      await flush();
    }
    this.#speed = (piece.at - piece.start) / Math.max(0.001, (clock.now() - began) / 1000);
    await this.#ended(reply, piece, position);
  }

  /** The body ended, or all of the piece is there: was it all that the reply promised? */
  async #ended(reply: RangeReply, piece: Piece, position: number): Promise<void> {
    if (piece.at >= piece.end) return;
    if (reply.end !== undefined && position < reply.end) {
      throw new SourceFailure('passing', `the reply ended at byte ${position} of ${reply.end}`);
    }
    if (reply.end === undefined && !Number.isFinite(piece.end)) {
      // No length was ever told: the end of the body is the end of the file. The digest has the last word.
      await this.#options.part.setSize(position);
      this.#plan.size = position;
      return;
    }
    if (piece.at === piece.start)
      throw new SourceFailure('passing', `the reply held nothing of what was asked for`);
  }
}

/** A block being filled. */
class Block {
  readonly #buffer: Buffer;
  length = 0;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(1, size));
  }

  get full(): boolean {
    return this.length === this.#buffer.length;
  }

  /** Copies what fits, at most until the block holds `most`; returns how many bytes it took. */
  fill(chunk: Uint8Array, most: number): number {
    const taken = Math.min(chunk.length, this.#buffer.length - this.length, most - this.length);
    this.#buffer.set(chunk.subarray(0, taken), this.length);
    this.length += taken;
    return taken;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
