/** Brings all missing bytes of one file into its part, over as many requests and sources as the pool allows. */
import { setMaxListeners } from 'node:events';
import { type Clock, PcamError, throwIfAborted } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { type RangeReply, SourceFailure } from '../net/index.js';
import { BLOCK } from '../store/index.js';
import { SourceCopies } from './copies.js';
import { type Backlog, NO_BACKLOG, type RateLimit } from './pace.js';
import type { Helper, Piece } from './piece.js';
import type { WritablePart } from './piece-writer.js';
import { Pieces } from './pieces.js';
import { type RequestContext, request } from './request.js';
import type { Lease, SourcePool } from './source-pool.js';
import { Speeds } from './speeds.js';

/** Progress that pays off a source's earlier failures; less is one more failure. */
const REAL_PROGRESS = 64 * 1024;
/** How often connections are measured against each other (ms). */
const LOOK_EVERY = 250;
/** While no source has answered yet, another source is asked after this (ms). */
const HEDGE_AFTER = 500;
/** A request that was silent for so long (ms) when others had delivered its bytes is a failure of its source. */
const FAILED_AFTER = 5000;

export interface TransferOptions {
  file: DatasetFile;
  part: WritablePart;
  pool: SourcePool;
  limit: RateLimit;
  clock: Clock;
  signal: AbortSignal;
  backlog?: Backlog;
  /** Most bytes of one request. @default no limit */
  most?: number;
  /** Bytes that came, each counted once, just before they are written. */
  onReceived?: (source: string, bytes: number) => void;
  /** A source was refused because its copy has another size than an earlier source gave. */
  onOtherSize?: (source: string) => void;
  /** A request failed, and its source has been judged by it. */
  onFailure?: (failure: SourceFailure) => void;
}

/**
 * @throws PcamError NO_SOURCE when bytes are missing and no source can deliver them
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
  readonly #pieces: Pieces;
  readonly #speeds = new Speeds();
  readonly #context: RequestContext;
  /** Ends all lanes, those that wait for a source included. */
  readonly #stop: () => void;
  readonly #lanes = new Set<Promise<void>>();
  readonly #began: number;
  /** Until a reply has given the size, and shown whether ranges work, one lane is enough. */
  #answered = false;
  /** Sources that send the whole file whatever is asked for. */
  readonly #single = new Set<string>();
  #cancelLook: () => void = () => {};
  #fatal: unknown;
  #noSource: PcamError | undefined;

  constructor(options: TransferOptions, stop: () => void) {
    const {
      file,
      part,
      clock,
      limit,
      backlog = NO_BACKLOG,
      onReceived = () => {},
      onOtherSize = () => {},
    } = options;
    this.#options = options;
    this.#stop = stop;
    this.#began = clock.now();
    this.#pieces = new Pieces(part.done, part.size, this.#speeds);
    this.#context = {
      file,
      part,
      clock,
      limit,
      backlog,
      onReceived,
      pieces: this.#pieces,
      speeds: this.#speeds,
      copies: new SourceCopies({ part, file, onOtherSize }),
      onReply: (source, reply) => this.#onReply(source, reply),
    };
  }

  async run(): Promise<void> {
    const { part, file } = this.#options;
    if (part.complete) return;
    this.#start(this.#lane());
    this.#lookLater();
    try {
      while (this.#lanes.size > 0) await Promise.race(this.#lanes);
    } finally {
      this.#cancelLook();
    }
    if (this.#fatal !== undefined) throw this.#fatal;
    if (part.complete) return;
    throw (
      this.#noSource ??
      new PcamError('INTERNAL', `${file.name}: bytes are missing and no request is fetching them`)
    );
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#lanes);
  }

  #lookLater(): void {
    const { clock } = this.#options;
    this.#cancelLook = clock.after(LOOK_EVERY, () => {
      this.#pieces.measure(clock.now());
      this.#pieces.stopUseless();
      if (this.#answered) this.#widen();
      this.#sendHelp();
      this.#lookLater();
    });
  }

  #start(running: Promise<void>): void {
    const lane: Promise<void> = running
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

  #onReply(source: string, { ranged }: RangeReply): void {
    if (!ranged) {
      this.#single.add(source);
      this.#options.pool.markSingle(this.#options.file, source);
    }
    if (this.#answered) return;
    this.#answered = true;
    this.#widen();
  }

  /** Opens as many lanes as there are places at the sources and bytes worth a request. */
  #widen(): void {
    const { pool, file, part } = this.#options;
    const missing = this.#pieces.size - part.done.size;
    const most = Math.min(pool.lanes(file), Math.ceil(missing / BLOCK));
    // With nothing to divide evenly any more, help is sent where it saves time.
    while (this.#lanes.size < most && (this.#pieces.hasGap || this.#speeds.best === undefined))
      this.#start(this.#lane());
  }

  /** Gives free connections to those that would take longest: first of sources not tried yet, then of fast ones. */
  #sendHelp(): void {
    const { pool, file, clock } = this.#options;
    if (this.#over) return;
    const now = clock.now();
    const speed = (id: string) => this.#speeds.of(id) ?? Number.MAX_VALUE;
    for (const id of this.#candidates().sort((a, b) => speed(b) - speed(a))) {
      const helper = this.#helper(id);
      // Where no source has given the size yet, there is no second piece.
      const whole = !this.#answered && Number.isFinite(this.#pieces.size);
      for (;;) {
        if (!pool.free(file).includes(id)) break;
        const piece = whole ? this.#pieces.take(helper, now) : this.#pieces.help(helper, now);
        if (!piece) break;
        this.#start(this.#lane({ lease: pool.leaseNow(file, id)!, piece }));
        if (!this.#answered) return;
      }
    }
  }

  /** Where no source has answered yet: sources that were not asked, or all of them once it has taken long. */
  #candidates(): string[] {
    const { pool, file, clock } = this.#options;
    if (this.#answered) return pool.free(file);
    const waited = clock.now() - this.#began;
    if (waited < HEDGE_AFTER) return [];
    const idle = pool.free(file).filter((id) => pool.active(file, id) === 0);
    return idle.length > 0 || waited < FAILED_AFTER ? idle : pool.free(file);
  }

  #helper(source: string): Helper {
    const { limit, most = Number.POSITIVE_INFINITY } = this.#options;
    return { source, single: this.#single.has(source), most: Math.min(limit.most(), most) };
  }

  get #over(): boolean {
    return this.#fatal !== undefined || this.#options.part.complete;
  }

  /** One lane: a lease, a piece, a request, and again. */
  async #lane(first?: { lease: Lease; piece: Piece }): Promise<void> {
    const { pool, file, clock, signal } = this.#options;
    let next = first;
    while (next || !this.#over) {
      const lease: Lease = next?.lease ?? (await pool.lease(file, signal));
      const piece: Piece | undefined =
        next?.piece ?? this.#pieces.take(this.#helper(lease.source.id), clock.now());
      next = undefined;
      if (!piece) {
        lease.release({ progressed: false });
        return this.#sendHelp();
      }
      await this.#fetch(lease, piece);
    }
    if (this.#options.part.complete) this.#stop();
  }

  async #fetch(lease: Lease, piece: Piece): Promise<void> {
    const own = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, own.signal]);
    let overtaken: SourceFailure | 'in time' | undefined;
    piece.stop = () => {
      overtaken ??= this.#silence(piece);
      own.abort();
    };
    let failure: SourceFailure | undefined;
    let readToEnd = false;
    try {
      readToEnd = await request(this.#context, { source: lease.source, piece, signal });
    } catch (error) {
      throwIfAborted(this.#options.signal);
      if (error instanceof SourceFailure) failure = error;
      else if (!isAbort(error, signal)) throw error;
      else if (overtaken instanceof SourceFailure) failure = overtaken;
    } finally {
      this.#pieces.give(piece);
      const got = piece.written - piece.start;
      const progressed = !failure || got >= REAL_PROGRESS || got * 4 >= piece.end - piece.start;
      lease.release({ progressed: progressed && got > 0, failure, closed: !readToEnd });
      if (failure) this.#options.onFailure?.(failure);
    }
  }

  /** What it means for the source of a piece that others have delivered its bytes. */
  #silence({ waitingSince }: Piece): SourceFailure | 'in time' {
    const ms = waitingSince === undefined ? 0 : this.#options.clock.now() - waitingSince;
    if (ms < FAILED_AFTER) return 'in time';
    return new SourceFailure(
      'passing',
      `it sent nothing for ${Math.round(ms / 1000)} s, and others were faster`,
    );
  }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted && (error === signal.reason || (error instanceof PcamError && error.code === 'ABORTED'))
  );
}
