/**
 * Which bytes of a file each request is to fetch. Pieces go out from the front, as large as the source is fast; when
 * nothing is left, a free connection helps the one that would take longest: it takes over so much of its piece that
 * both are done at the same time, or asks for all of it again where the other is hopeless. The first copy of a byte wins.
 */
import type { ByteRange } from '../core/index.js';
import { RangeSet } from '../store/index.js';
import { type Help, type Helper, helpFor, type Piece, WORTH_KEEPING } from './piece.js';
import type { Speeds } from './speeds.js';

/** Seconds that a request should last: few enough requests for hosts that count them by the minute. */
const REQUEST_SECONDS = 4;
/** Smallest and largest piece of one request, and the first one of a source. */
const SMALLEST = 64 * 1024;
const LARGEST = 64 * 1024 * 1024;
const FIRST = 4 * 1024 * 1024;
/** A piece that would take longer (s), and this many times longer than the one who looks, is not waited for. */
const LATE_SECONDS = 8;
const LATE_FACTOR = 4;
/** A connection that delivers nothing for so long (ms) counts as silent. */
const SILENT_AFTER = 500;

export class Pieces {
  /** Infinity while the size is not known. */
  size: number;
  /** Bytes that are there or being written. */
  readonly #claimed: RangeSet;
  readonly #pieces = new Set<Piece>();
  readonly #speeds: Speeds;

  constructor(done: RangeSet, size: number | undefined, speeds: Speeds) {
    this.#claimed = new RangeSet(done.ranges);
    this.size = size ?? Number.POSITIVE_INFINITY;
    this.#speeds = speeds;
  }

  /** The next piece from the front, else help; undefined when there is nothing that another request would help with. */
  take(helper: Helper, now: number): Piece | undefined {
    this.#cutLate(helper);
    const gap = this.#firstGap();
    if (!gap) return this.help(helper, now);
    const end = Math.min(gap.end, gap.start + Math.min(this.#length(helper.source), helper.most));
    return this.#add(helper, { start: gap.start, end }, now);
  }

  /** Part of a piece that is in progress, where that saves time. */
  help(helper: Helper, now: number): Piece | undefined {
    if (this.#isDoubtful(helper.source)) return undefined;
    // Where the end is not known, there is no part of a piece to take over.
    const divisible = Number.isFinite(this.size);
    let best: Help | undefined;
    for (const victim of this.#pieces) {
      const needed = victim.rival ? undefined : this.#needed(victim);
      const help = needed && helpFor({ victim, needed, divisible, helper, speeds: this.#speeds });
      if (help && (!best || help.saved > best.saved)) best = help;
    }
    if (!best) return undefined;
    const { victim, range, rival } = best;
    const piece = this.#add(
      helper,
      { start: range.start, end: Math.min(range.end, range.start + helper.most) },
      now,
    );
    if (rival) victim.rival = piece;
    else victim.end = range.start;
    return piece;
  }

  get hasGap(): boolean {
    return this.#firstGap() !== undefined;
  }

  /** What of a range no other request has delivered yet: from now on it is the caller's to write. */
  claim(range: ByteRange): ByteRange[] {
    const mine = this.#claimed.gaps(range);
    this.#claimed.add(range);
    return mine;
  }

  /** All that is not yet taken behind the piece, up to the next taken byte: for a server that knows no ranges. */
  extend(piece: Piece): void {
    this.#pieces.delete(piece);
    const gap = this.#firstGap(piece.written);
    this.#pieces.add(piece);
    if (gap && gap.start === piece.written) piece.end = gap.end;
  }

  give(piece: Piece): void {
    this.#pieces.delete(piece);
    if (piece.speed !== 0 && piece.reached > piece.start) this.#speeds.heard(piece.source);
    for (const other of this.#pieces) if (other.rival === piece) other.rival = undefined;
    this.stopUseless();
  }

  /** Ends requests whose bytes have all come from elsewhere. */
  stopUseless(): void {
    for (const piece of this.#pieces) if (!this.#needed(piece)) piece.stop();
  }

  /** Measures the speed of each connection since the last time. */
  measure(now: number): void {
    const heard = new Set<string>();
    for (const piece of this.#pieces) {
      const { at, reached, moved } = piece.measured;
      const bytes = piece.reached - reached;
      const waits = piece.waitingSince !== undefined;
      piece.measured = { at: now, reached: piece.reached, moved: bytes > 0 || !waits ? now : moved };
      if (!waits) continue;
      if (bytes === 0) {
        if (now - moved >= SILENT_AFTER) piece.speed = 0;
        if (piece.speed === 0) this.#speeds.silent(piece.source);
        continue;
      }
      const speed = bytes / Math.max(0.001, (now - at) / 1000);
      piece.speed = piece.speed ? (piece.speed + speed) / 2 : speed;
      this.#speeds.observe(piece.source, bytes, now - at);
      heard.add(piece.source);
    }
    for (const source of heard) this.#speeds.heard(source);
  }

  /** Bytes of the next piece of a source. */
  #length(source: string): number {
    const speed = this.#speeds.of(source);
    if (speed !== undefined)
      return Math.floor(Math.min(Math.max(speed * REQUEST_SECONDS, SMALLEST), LARGEST));
    const guess = (this.#speeds.best ?? Number.POSITIVE_INFINITY) * REQUEST_SECONDS;
    return Math.floor(Math.min(Math.max(guess, SMALLEST), FIRST));
  }

  #add({ source }: Helper, { start, end }: ByteRange, now: number): Piece {
    const piece: Piece = {
      source,
      start,
      end,
      written: start,
      reached: start,
      waitingSince: undefined,
      speed: undefined,
      measured: { at: now, reached: start, moved: now },
      rival: undefined,
      stop: () => {},
    };
    this.#pieces.add(piece);
    return piece;
  }

  /** The first range from `from` on that is neither there nor taken. */
  #firstGap(from = 0): ByteRange | undefined {
    const taken = [
      ...this.#claimed.ranges,
      ...[...this.#pieces].map(({ written, end }) => ({ start: written, end })),
    ];
    taken.sort((a, b) => a.start - b.start);
    let at = from;
    for (const { start, end } of taken) {
      if (start > at) return { start: at, end: Math.min(start, this.size) };
      at = Math.max(at, end);
    }
    return at < this.size ? { start: at, end: this.size } : undefined;
  }

  /** What a piece has still to fetch that no other request has. */
  #needed({ reached, end }: Piece): ByteRange | undefined {
    const gap = this.#claimed.firstGap({ start: reached, end });
    return gap && { start: gap.start, end };
  }

  /**
   * While there is enough to do, too: pieces that hold up all that lies behind them give back what they would not have
   * done soon. It is the first gap then.
   */
  #cutLate({ source }: Helper): void {
    const own = this.#speeds.of(source);
    if (own === undefined) return;
    for (const piece of this.#pieces) {
      const { speed, reached, end } = piece;
      if (speed === undefined || piece.rival || !Number.isFinite(end) || own < speed * LATE_FACTOR) continue;
      if (end - reached <= speed * LATE_SECONDS) continue;
      const keeps = speed * REQUEST_SECONDS;
      piece.end = keeps < WORTH_KEEPING ? reached : reached + Math.floor(keeps);
    }
    this.stopUseless();
  }

  /** A source that does not answer just now, or never did: others are not to wait for another request to it. */
  #isDoubtful(source: string): boolean {
    const asked = [...this.#pieces].some((piece) => piece.source === source && piece.reached === piece.start);
    const known = this.#speeds.of(source) !== undefined || this.#speeds.best === undefined;
    const silent = this.#speeds.isSilent(source);
    return known ? silent && asked : silent || asked;
  }
}
