/**
 * Which chunks the next request fetches. Pure: chunks, speeds and times in, requests out.
 *
 * Requests take missing chunks from the front. When none are left, a free connection helps the request that would end
 * last: it takes over the tail, or fetches the chunk in progress a second time, and the first copy of a chunk wins.
 */
import { CHUNK_BYTES, type ChunkMap } from '../store/index.js';
import { Speeds } from './speeds.js';

/** Seconds that a request should last: hosts count requests by the minute (Zenodo allows 60). */
const REQUEST_SECONDS = 4;
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
/** Bounds for requests to a source whose speed is not known yet. */
const MAX_FIRST_REQUEST_BYTES = 4 * 1024 * 1024;
const MIN_FIRST_REQUEST_BYTES = 512 * 1024;
/** Help is worth a request when it saves this much (s), and this share of the time. */
const MIN_SAVED_SECONDS = 0.1;
const MIN_SAVED_SHARE = 0.2;
/** A request that would take longer (s), and this many times longer than the other source, is not waited for. */
const LATE_SECONDS = 8;
const LATE_FACTOR = 4;
/** A connection that delivers nothing for this time (ms) counts as silent. */
const SILENT_AFTER = 500;

/** A request in progress: it fetches the chunks from `next` on, up to `end`. */
export interface Request {
  readonly source: string;
  /** The byte that the reply begins with. */
  start: number;
  /** The chunk that is arriving. */
  next: number;
  /** Moves down when another request takes over the tail, and up where a server sends the whole file anyway. */
  end: number;
  /** Bytes of chunk `next` that are there. */
  received: number;
  /** Since when it waits for the network (ms); undefined while it waits for the disk, the limit or the pass. */
  waitingSince: number | undefined;
  /** Bytes per second; undefined before there is something to measure. */
  speed: number | undefined;
  /** The last measurement: when, at which byte, and since when there has been no progress. */
  measured: { at: number; position: number; moved: number };
  /** Another request that fetches chunk `next` as well. */
  rival: Request | undefined;
  /** Ends the request, because its chunks have come from elsewhere. */
  stop: () => void;
}

/** A connection that is free. */
export interface Helper {
  readonly source: string;
  /** The source sends files from the first byte on, whatever range is requested. */
  readonly single: boolean;
  /** Maximum bytes of the request. */
  readonly maxBytes: number;
}

export class Queue {
  readonly speeds = new Speeds();
  readonly #chunks: ChunkMap;
  /** The first chunk that must not be requested yet. */
  readonly #limit: () => number;
  readonly #requests = new Set<Request>();

  constructor(chunks: ChunkMap, limit: () => number = () => Number.POSITIVE_INFINITY) {
    this.#chunks = chunks;
    this.#limit = limit;
  }

  /**
   * A request for missing chunks, from the front.
   * @param connections how many connections may share what is missing
   */
  take(helper: Helper, { now, connections }: { now: number; connections: number }): Request | undefined {
    const late = this.#replaceLate(helper, now);
    if (late) return late;
    const gap = this.#firstGap();
    if (!gap) return undefined;
    const chunks = this.#lengthFor(helper, connections);
    return this.#add(helper, { first: gap.first, end: Math.min(gap.end, gap.first + chunks) }, now);
  }

  /** A request for chunks of the request that would end last, where that saves time. */
  help(helper: Helper, now: number): Request | undefined {
    if (this.#isDoubtful(helper.source)) return undefined;
    let best: Help | undefined;
    for (const victim of this.#requests) {
      const help = victim.rival ? undefined : this.#helpFor(victim, helper);
      if (help && (!best || help.saved > best.saved)) best = help;
    }
    if (!best) return undefined;
    const { victim, first } = best;
    const end = Math.min(victim.end, first + wholeChunks(helper.maxBytes));
    if (Number.isFinite(this.#chunks.total)) victim.end = Math.max(first, victim.next + 1);
    const request = this.#add(helper, { first, end }, now);
    if (first === victim.next) victim.rival = request;
    return request;
  }

  release(request: Request): void {
    this.#requests.delete(request);
    if (request.speed !== 0 && position(request) > request.start)
      this.speeds.setSilent(request.source, false);
    for (const other of this.#requests) if (other.rival === request) other.rival = undefined;
    this.stopUseless();
  }

  /** Ends requests whose chunks have all come from elsewhere. */
  stopUseless(): void {
    for (const request of this.#requests) if (this.#firstNeeded(request) === undefined) request.stop();
  }

  /** Bytes of chunks that are arriving. */
  get arriving(): number {
    const byChunk = new Map<number, number>();
    for (const { next, received } of this.#requests)
      if (!this.#chunks.has(next)) byChunk.set(next, Math.max(byChunk.get(next) ?? 0, received));
    return [...byChunk.values()].reduce((a, b) => a + b, 0);
  }

  /** Measures the speed of each connection since the last time. */
  measure(now: number): void {
    const heard = new Set<string>();
    for (const request of this.#requests) {
      const { at, moved, position: before } = request.measured;
      const bytes = position(request) - before;
      const waits = request.waitingSince !== undefined;
      request.measured = { at: now, position: position(request), moved: bytes > 0 || !waits ? now : moved };
      if (!waits) continue;
      if (bytes === 0) {
        if (now - moved >= SILENT_AFTER) request.speed = 0;
        if (request.speed === 0) this.speeds.setSilent(request.source, true);
        continue;
      }
      const speed = bytes / Math.max(0.001, (now - at) / 1000);
      request.speed = request.speed ? (request.speed + speed) / 2 : speed;
      this.speeds.observe(request.source, bytes, now - at);
      heard.add(request.source);
    }
    for (const source of heard) this.speeds.setSilent(source, false);
  }

  #add({ source }: Helper, { first, end }: { first: number; end: number }, now: number): Request {
    const request: Request = {
      source,
      start: first * CHUNK_BYTES,
      next: first,
      end,
      received: 0,
      waitingSince: undefined,
      speed: undefined,
      measured: { at: now, position: first * CHUNK_BYTES, moved: now },
      rival: undefined,
      stop: () => {},
    };
    this.#requests.add(request);
    return request;
  }

  /** The first run of chunks that are missing and that no request is fetching. */
  #firstGap(): { first: number; end: number } | undefined {
    const limit = Math.min(this.#chunks.total, this.#limit());
    const covering = (index: number) => [...this.#requests].find((r) => r.next <= index && index < r.end);
    let first = this.#chunks.firstMissing;
    while (first < limit) {
      const request = covering(first);
      if (request) first = request.end;
      else if (this.#chunks.has(first)) first++;
      else break;
    }
    if (first >= limit) return undefined;
    let end = first + 1;
    const max = Math.min(limit, first + wholeChunks(MAX_REQUEST_BYTES));
    while (end < max && !this.#chunks.has(end) && !covering(end)) end++;
    return { first, end };
  }

  /** Chunks of the next request to a source. */
  #lengthFor({ source, maxBytes }: Helper, connections: number): number {
    const speed = this.speeds.of(source);
    if (speed !== undefined)
      return wholeChunks(Math.min(speed * REQUEST_SECONDS, MAX_REQUEST_BYTES, maxBytes));
    const { size = MAX_FIRST_REQUEST_BYTES, bytes: there } = this.#chunks;
    const missing = Math.max(0, size - there);
    const share = Math.max(missing / connections, MIN_FIRST_REQUEST_BYTES);
    const guess = (this.speeds.best ?? Number.POSITIVE_INFINITY) * REQUEST_SECONDS;
    const bytes = Math.min(guess, MAX_FIRST_REQUEST_BYTES, maxBytes);
    return Math.min(wholeChunks(bytes), Math.ceil(share / CHUNK_BYTES));
  }

  #helpFor(victim: Request, helper: Helper): Help | undefined {
    const needed = this.#firstNeeded(victim);
    if (needed === undefined) return undefined;
    const [own, theirs] = this.#speedsOf(victim, helper);
    if (own === undefined || theirs === undefined) return undefined;
    // Under a rate limit, all requests wait for the same budget.
    if (Number.isFinite(helper.maxBytes) && theirs > 0) return undefined;
    if (!Number.isFinite(this.#chunks.total)) {
      // Where the end of the file is not known, there is no tail to take over.
      const silent = theirs === 0;
      return silent ? { victim, first: victim.next, saved: Number.POSITIVE_INFINITY } : undefined;
    }
    const end = Math.min(victim.end * CHUNK_BYTES, this.#chunks.size!);
    const at = position(victim);
    const alone = (end - at) / theirs;
    let best: Help | undefined;
    for (let first = needed; first * CHUNK_BYTES < end; first++) {
      const start = first * CHUNK_BYTES;
      // A source without ranges sends all bytes before the start first.
      const late = this.speeds.latency(helper.source) + (helper.single ? start / own : 0);
      const kept = first === needed ? 0 : (start - at) / theirs;
      const saved = alone - Math.max(kept, late + (end - start) / own);
      if (!best || saved > best.saved) best = { victim, first, saved };
    }
    const worth = best && best.saved >= MIN_SAVED_SECONDS && best.saved >= alone * MIN_SAVED_SHARE;
    return worth ? best : undefined;
  }

  /** Bytes per second of a helper and of the request that it would help; what is not known is taken to be alike. */
  #speedsOf(victim: Request, { source }: Helper): [own?: number, theirs?: number] {
    const own = this.speeds.of(source);
    const silent = this.speeds.isSilent(victim.source) ? 0 : undefined;
    const theirs = victim.speed ?? this.speeds.of(victim.source) ?? silent;
    const guess = own ?? (theirs || this.speeds.best);
    // A source that is silent is worse than any other.
    return [guess ?? (theirs === 0 ? MIN_FIRST_REQUEST_BYTES : undefined), theirs ?? guess];
  }

  /** The first chunk of a request that is still missing. */
  #firstNeeded({ next, end }: Request): number | undefined {
    let index = Math.max(next, Math.min(this.#chunks.firstMissing, end));
    const last = Math.min(end, this.#chunks.total);
    while (index < last && this.#chunks.has(index)) index++;
    return index < last ? index : undefined;
  }

  /**
   * A late request gives back the chunks that it would not fetch soon, and its chunk in progress is fetched again where
   * that one alone is late: everything behind it waits for it.
   */
  #replaceLate(helper: Helper, now: number): Request | undefined {
    const own = this.speeds.of(helper.source);
    if (own === undefined || this.#isDoubtful(helper.source)) return undefined;
    if (helper.single || !Number.isFinite(this.#chunks.total)) return undefined;
    for (const victim of this.#requests) {
      const { speed, next, received, end, rival } = victim;
      if (speed === undefined || rival || own < speed * LATE_FACTOR) continue;
      const last = Math.min(end * CHUNK_BYTES, this.#chunks.size!);
      if (last - position(victim) <= speed * LATE_SECONDS) continue;
      const kept = Math.floor((received + speed * REQUEST_SECONDS) / CHUNK_BYTES);
      victim.end = Math.min(end, next + Math.max(1, kept));
      if (this.#chunks.has(next)) continue;
      if (this.#chunks.lengthOf(next) - received <= speed * LATE_SECONDS) continue;
      victim.rival = this.#add(helper, { first: next, end: next + 1 }, now);
      return victim.rival;
    }
    this.stopUseless();
    return undefined;
  }

  /** A source that does not answer just now, or never did: no other source waits for another request to it. */
  #isDoubtful(source: string): boolean {
    const unanswered = [...this.#requests].some((r) => r.source === source && position(r) === r.start);
    const known = this.speeds.of(source) !== undefined || this.speeds.best === undefined;
    const silent = this.speeds.isSilent(source);
    return known ? silent && unanswered : silent || unanswered;
  }
}

interface Help {
  readonly victim: Request;
  /** The first chunk to fetch; the one in progress is then fetched twice. */
  readonly first: number;
  /** Seconds that it saves. */
  readonly saved: number;
}

function wholeChunks(bytes: number): number {
  return Math.max(1, Math.floor(bytes / CHUNK_BYTES));
}

export function position({ next, received }: Request): number {
  return next * CHUNK_BYTES + received;
}
