/** Sources, a network and a file that are made of nothing but a clock: a transfer of hours takes milliseconds. */
import { SourceFailure } from '#pcam/net/failure.js';
import type { RangeReply } from '#pcam/net/ranged.js';
import type { Source } from '#pcam/sources/source.js';
import { ChunkMap } from '#pcam/store/chunks.js';
import { type RateLimit, sleep, UNLIMITED } from '#pcam/transfer/limit.js';
import { SourcePool } from '#pcam/transfer/pool.js';
import type { ChunkSink } from '#pcam/transfer/request.js';
import { transferFile } from '#pcam/transfer/transfer.js';
import { settle, TestClock } from './clock.js';
import { plainFile } from './files.js';

export interface Link {
  id: string;
  /** Bytes per second of one connection. */
  speed: number;
  /** ms until a reply begins. */
  latency?: number;
  /** When nothing comes: from, to (ms) since the beginning. */
  stalls?: readonly (readonly [number, number])[];
  /** Never answers. */
  silent?: boolean;
  /** Sends the whole file whatever is asked. */
  single?: boolean;
  /** Fails after so many bytes of each reply. */
  cut?: number;
  /** Bytes that each reply brings at most, though it was asked for more. */
  short?: number;
  /** What it says of its copy: the size where it is another one, a validator for each reply. */
  size?: number;
  validators?: readonly string[];
  /** Refuses each request. */
  refuses?: 'passing' | 'wrong';
  /** Bytes per second of all its connections together. */
  together?: number;
}

export interface Simulation {
  links: readonly Link[];
  bytes: number;
  /** The manifest does not say how large the file is. */
  unsized?: boolean;
  /** Chunks that an earlier run left: from, to. */
  done?: readonly (readonly [first: number, end: number, source: string])[];
  /** ms after which the caller has had enough. */
  abortAfter?: number;
  connections?: number;
  limit?: (clock: TestClock) => RateLimit;
}

export interface Simulated {
  /** ms */
  took: number;
  /** Bytes by source, as `onChunk` told. */
  sources: Record<string, number>;
  requests: { source: string; at: number; start: number; end: number; validator?: string }[];
  /** Most requests in progress at once, by source. */
  most: Record<string, number>;
  error: unknown;
  chunks: ChunkMap;
  /** Timers and waits that are left over. */
  left: number;
}

/** The chunks of a file, without their bytes. */
export class MemorySink implements ChunkSink {
  readonly chunks: ChunkMap;
  readonly limit = Number.POSITIVE_INFINITY;

  constructor(size: number | undefined) {
    this.chunks = new ChunkMap(size);
  }

  setSize(size: number): void {
    this.chunks.size = size;
  }

  setValidator(source: string, validator: string): void {
    this.chunks.validators.set(source, validator);
  }

  async write(index: number, bytes: Uint8Array, source: string): Promise<void> {
    if (this.chunks.has(index)) throw new Error(`chunk ${index} was written twice`);
    if (bytes.length !== this.chunks.lengthOf(index))
      throw new Error(`chunk ${index} has ${bytes.length} bytes`);
    this.chunks.add(index, source);
  }
}

/** No simulated transfer takes longer (ms). */
const BOUND = 24 * 3600 * 1000;

export async function simulate(simulation: Simulation): Promise<Simulated> {
  const { links, bytes, unsized, connections = 4, limit, abortAfter } = simulation;
  const clock = new TestClock();
  const network = new Network(clock, bytes);
  const { file } = plainFile('x.csv', Buffer.alloc(0), { fields: { bytes: unsized ? undefined : bytes } });
  const sink = new MemorySink(unsized ? undefined : bytes);
  const { chunks } = sink;
  for (const [first, end, source] of simulation.done ?? [])
    for (let index = first; index < end; index++) chunks.add(index, source);
  const pool = new SourcePool({ sources: links.map((link) => network.source(link)), connections, clock });
  const stop = new AbortController();
  if (abortAfter !== undefined) clock.after(abortAfter, () => stop.abort());
  const sources: Record<string, number> = {};
  let over = false;
  let error: unknown;
  const transfer = transferFile({
    file,
    sink,
    pool,
    limit: limit?.(clock) ?? UNLIMITED,
    clock,
    signal: stop.signal,
    onChunk: (source, received) => {
      sources[source] = (sources[source] ?? 0) + received;
    },
  })
    .catch((reason: unknown) => {
      error = reason;
    })
    .finally(() => {
      over = true;
    });
  await settle();
  while (!over) {
    if (clock.now() > BOUND) throw new Error('the simulated transfer does not end');
    await clock.advance(Math.max(1, clock.untilNext));
  }
  await transfer;
  const took = clock.now();
  pool.close();
  return {
    took,
    sources,
    requests: network.requests,
    most: network.most,
    error,
    chunks,
    left: clock.waiting,
  };
}

class Network {
  readonly requests: Simulated['requests'] = [];
  readonly most: Record<string, number> = {};
  readonly #active = new Map<string, number>();
  readonly #clock: TestClock;
  readonly #bytes: number;

  constructor(clock: TestClock, bytes: number) {
    this.#clock = clock;
    this.#bytes = bytes;
  }

  source(link: Link): Source {
    return {
      id: link.id,
      type: 'http',
      has: () => true,
      urlOf: ({ name }) => name,
      open: async (_, { start, end, validator }, signal) => {
        this.requests.push({ source: link.id, at: this.#clock.now(), start, end, validator });
        await this.#wait(link.silent ? 2 ** 40 : this.#after(link, link.latency ?? 0), signal);
        if (link.refuses) throw new SourceFailure(link.refuses, `${link.id} refuses`);
        return this.#reply(link, { start, end: Math.min(end, this.#bytes) }, signal);
      },
    };
  }

  #reply(link: Link, asked: { start: number; end: number }, signal: AbortSignal): RangeReply {
    const ranged = !link.single;
    const { start, end } = ranged ? asked : { start: 0, end: this.#bytes };
    const last = Math.min(end, start + (link.short ?? Number.POSITIVE_INFINITY));
    const before = this.requests.filter(({ source }) => source === link.id).length - 1;
    const validator = link.validators?.[Math.min(before, link.validators.length - 1)] ?? '"1"';
    this.#count(link.id, 1);
    let open = true;
    const discard = () => {
      if (open) this.#count(link.id, -1);
      open = false;
    };
    const body = this.#body(link, { start, end: last }, signal);
    return { start, end: last, ranged, total: link.size ?? this.#bytes, validator, body, discard };
  }

  #count(id: string, change: number): void {
    const active = (this.#active.get(id) ?? 0) + change;
    this.#active.set(id, active);
    this.most[id] = Math.max(this.most[id] ?? 0, active);
  }

  async *#body(link: Link, { start, end }: { start: number; end: number }, signal: AbortSignal) {
    const chunk = Buffer.alloc(Math.min(64 * 1024, Math.max(64, Math.ceil(link.speed / 20))));
    for (let at = start; at < end; ) {
      const length = Math.min(chunk.length, end - at);
      const shared =
        (link.together ?? Number.POSITIVE_INFINITY) / Math.max(1, this.#active.get(link.id) ?? 1);
      await this.#wait(this.#after(link, (length / Math.min(link.speed, shared)) * 1000), signal);
      if (link.cut !== undefined && at - start >= link.cut) throw new SourceFailure('passing', 'cut');
      at += length;
      yield chunk.subarray(0, length);
    }
  }

  /** `ms` of a link at work, with its stalls between. */
  #after({ stalls = [] }: Link, ms: number): number {
    const now = this.#clock.now();
    let end = now + ms;
    for (const [from, to] of [...stalls].sort((a, b) => a[0] - b[0])) {
      if (to > now && from < end) end += to - Math.max(from, now);
    }
    return end - now;
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return sleep(ms, this.#clock, signal);
  }
}
