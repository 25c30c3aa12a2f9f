/** Which bytes of a file each request is to bring: pieces from the front, and at the end what slow ones have left. */
import type { ByteRange } from '../core/index.js';
import { RangeSet } from '../store/index.js';

/** Smallest and largest piece of one request. */
const SMALLEST = 4 * 1024 * 1024;
const LARGEST = 64 * 1024 * 1024;
/** Seconds that a request should last: few enough requests for hosts that count them by the minute. */
const REQUEST_SECONDS = 4;
/** The rest of a piece is divided only while both halves are worth a request. */
const WORTH_A_REQUEST = 512 * 1024;

/** A piece of work of one lane. `end` shrinks when another lane takes over its tail. */
export interface Piece {
  readonly start: number;
  end: number;
  /** Where the next byte goes. */
  at: number;
  /** Up to where bytes have come, written or not: nobody else need fetch these. */
  reached?: number;
  /** Since when the lane has been waiting for the network; undefined while it writes, or keeps to --limit-rate. */
  waitingSince?: number;
}

export class Plan {
  readonly #done: RangeSet;
  readonly #pieces = new Set<Piece>();
  /** Infinity while the size is not known. */
  size: number;

  /** @param done ranges that are there; grows as pieces are written */
  constructor(done: RangeSet, size: number | undefined) {
    this.#done = done;
    this.size = size ?? Number.POSITIVE_INFINITY;
  }

  /**
   * The next piece from the front, or half of what the slowest request has left, or all that a silent one has left;
   * undefined when there is nothing that another request would help with.
   * @param speed bytes a second of one request, as far as is known
   * @param silentSince a request that has waited since before this time (ms) counts as silent
   */
  take(speed: number, silentSince = Number.NEGATIVE_INFINITY): Piece | undefined {
    const gap = this.#free().firstGap({ start: 0, end: this.size });
    if (gap) {
      const length = Math.min(Math.max(speed * REQUEST_SECONDS, SMALLEST), LARGEST);
      const end = Math.min(gap.end, gap.start + Math.floor(length));
      return this.#add({ start: gap.start, end, at: gap.start });
    }
    return this.#divide() ?? this.#takeOver(silentSince);
  }

  /** A request that has brought nothing since then, and has something left to bring. */
  silent(since: number): Piece | undefined {
    for (const piece of this.#pieces) {
      if (piece.end > piece.at && piece.waitingSince !== undefined && piece.waitingSince <= since)
        return piece;
    }
    return undefined;
  }

  /** All that is not yet taken from `from` on, up to the next taken byte: for a server that knows no ranges. */
  extend(piece: Piece): void {
    const gap = this.#free(piece).firstGap({ start: piece.at, end: this.size });
    if (gap && gap.start === piece.at) piece.end = gap.end;
  }

  give(piece: Piece): void {
    this.#pieces.delete(piece);
  }

  /** True when nothing is missing but what lanes are at work on. */
  get exhausted(): boolean {
    return this.#free().firstGap({ start: 0, end: this.size }) === undefined;
  }

  #add(piece: Piece): Piece {
    this.#pieces.add(piece);
    return piece;
  }

  #free(but?: Piece): RangeSet {
    const taken = new RangeSet();
    for (const range of this.#done.ranges) taken.add(range);
    for (const piece of this.#pieces) if (piece !== but) taken.add(restOf(piece));
    return taken;
  }

  #takeOver(silentSince: number): Piece | undefined {
    const silent = this.silent(silentSince);
    if (!silent) return undefined;
    const piece = { start: silent.at, end: silent.end, at: silent.at };
    silent.end = silent.at;
    return this.#add(piece);
  }

  #divide(): Piece | undefined {
    let slowest: Piece | undefined;
    for (const piece of this.#pieces) if (!slowest || leftOf(piece) > leftOf(slowest)) slowest = piece;
    if (!slowest || !Number.isFinite(slowest.end)) return undefined;
    const left = leftOf(slowest);
    if (left < 2 * WORTH_A_REQUEST) return undefined;
    const middle = slowest.end - Math.floor(left / 2);
    const piece = { start: middle, end: slowest.end, at: middle };
    slowest.end = middle;
    return this.#add(piece);
  }
}

function leftOf({ at, reached = at, end }: Piece): number {
  return end - Math.max(at, reached);
}

function restOf({ at, end }: Piece): ByteRange {
  return { start: at, end };
}
