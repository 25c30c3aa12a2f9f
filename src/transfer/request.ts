/** One request: asks a source for a run of chunks, and passes each whole chunk on. */
import type { Clock } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { type RangeReply, SourceFailure } from '../net/index.js';
import type { Source } from '../sources/index.js';
import { CHUNK_BYTES, type ChunkMap } from '../store/index.js';
import type { RateLimit } from './limit.js';
import type { SourcePool } from './pool.js';
import { position, type Request } from './queue.js';
import type { Speeds } from './speeds.js';

/** Where the chunks of a file go: a partial file, or memory. */
export interface ChunkSink {
  readonly chunks: ChunkMap;
  /** The first chunk that has no room yet. */
  readonly limit: number;
  setSize(size: number): void;
  setValidator(source: string, validator: string): void;
  /** Resolves when `bytes` may be used again and the next chunk may come. */
  write(index: number, bytes: Uint8Array, source: string, signal: AbortSignal): Promise<void>;
}

export interface TransferOptions {
  file: DatasetFile;
  sink: ChunkSink;
  pool: SourcePool;
  limit: RateLimit;
  clock: Clock;
  signal: AbortSignal;
  /** A chunk is there. */
  onChunk?: (source: string, bytes: number) => void;
  /** Bytes of chunks that are arriving, from time to time. */
  onArriving?: (bytes: number) => void;
  /** A source was refused because its copy has another size than an earlier source gave. */
  onOtherSize?: (source: string) => void;
  /** A request failed, and its source has been judged by it. */
  onFailure?: (failure: SourceFailure) => void;
}

/** The copy of a source is not the one that its earlier chunks came from: they must be forgotten. */
export class SourceChanged extends Error {
  constructor(readonly source: string) {
    super(`the copy at ${source} changed`);
  }
}

export interface RequesterOptions extends TransferOptions {
  speeds: Speeds;
  /** The size of the file, and whether the source knows ranges, are known: more requests can be sent. */
  onReply: (source: string, ranged: boolean) => void;
}

/** The beginning of a chunk, from a request that ended in the middle of it. */
interface BegunChunk {
  readonly source: string;
  readonly buffer: Buffer;
  readonly bytes: number;
}

export class Requester {
  readonly #options: RequesterOptions;
  readonly #begun = new Map<number, BegunChunk>();
  readonly #writing = new Set<number>();
  /** Sources that send the whole file whatever range is requested. */
  readonly #single = new Set<string>();
  /** Sources that have sent the validator of their copy in this transfer. */
  readonly #validated = new Set<string>();

  constructor(options: RequesterOptions) {
    this.#options = options;
  }

  isSingle(source: string): boolean {
    return this.#single.has(source);
  }

  /**
   * @returns true when the reply was read to its end, so that the connection can be used again
   * @throws SourceFailure, SourceChanged, or the reason of `signal`
   */
  async send(source: Source, request: Request, signal: AbortSignal): Promise<boolean> {
    const { file, sink, speeds, limit, clock } = this.#options;
    const buffer = this.#continueChunk(request);
    const end = Math.min(request.end * CHUNK_BYTES, sink.chunks.size ?? Number.POSITIVE_INFINITY);
    const paid = limit.prepaid(end - request.start);
    let reply: RangeReply | undefined;
    try {
      await limit.pay(paid, signal);
      const asked = clock.now();
      request.waitingSince = asked;
      request.measured = { at: asked, position: request.start, moved: asked };
      const validator = this.#validatorOf(source.id);
      reply = await source.open(file, { start: request.start, end, validator }, signal);
      this.#acceptCopy(source.id, reply, validator);
      const answered = clock.now();
      if (!reply.ranged) this.#single.add(source.id);
      request.end = Math.min(reply.ranged ? request.end : Number.POSITIVE_INFINITY, sink.chunks.total);
      if (!reply.ranged) {
        // The whole file comes, from its first byte on.
        request.start = request.next = request.received = 0;
        request.measured = { at: answered, position: 0, moved: answered };
      }
      this.#options.onReply(source.id, reply.ranged);
      const came = await this.#receive(reply, request, { buffer, paid, signal });
      const body = clock.now() - answered;
      speeds.observeReply(source.id, came, { latency: answered - asked, body });
      return reply.end === reply.start + came;
    } finally {
      reply?.discard();
      limit.refund(Math.max(0, paid - (position(request) - request.start)));
      if (reply?.ranged && request.received > 0 && !sink.chunks.has(request.next))
        this.#begun.set(request.next, { source: source.id, buffer, bytes: request.received });
    }
  }

  /** Goes on with a chunk that an earlier request to the same source began. */
  #continueChunk(request: Request): Buffer {
    const begun = this.#begun.get(request.next);
    if (begun?.source !== request.source) return Buffer.allocUnsafe(CHUNK_BYTES);
    this.#begun.delete(request.next);
    request.received = begun.bytes;
    request.start += begun.bytes;
    return begun.buffer;
  }

  /** @returns bytes of the body */
  async #receive(
    reply: RangeReply,
    request: Request,
    { buffer, paid, signal }: { buffer: Buffer; paid: number; signal: AbortSignal },
  ): Promise<number> {
    const { sink, limit, clock } = this.#options;
    const { chunks } = sink;
    let came = 0;
    try {
      for await (const bytes of reply.body) {
        request.waitingSince = undefined;
        came += bytes.length;
        const unpaid = Math.min(bytes.length, came - paid);
        if (unpaid > 0) await limit.pay(unpaid, signal);
        for (let at = 0; at < bytes.length && request.next < request.end; ) {
          const length = chunks.lengthOf(request.next);
          const taken = Math.min(bytes.length - at, length - request.received);
          buffer.set(bytes.subarray(at, at + taken), request.received);
          request.received += taken;
          at += taken;
          if (request.received === length) await this.#passOn(request, buffer, signal);
        }
        if (reply.start + came > (chunks.size ?? Number.POSITIVE_INFINITY)) {
          throw new SourceFailure('wrong', `it sends more than the ${chunks.size} bytes of the file`);
        }
        // A body is read to its end, so that the connection can be used again.
        if (chunks.complete || (request.next >= request.end && reply.start + came !== reply.end)) break;
        request.waitingSince = clock.now();
      }
    } finally {
      request.waitingSince = undefined;
    }
    await this.#requireWhole(reply, request, { came, buffer, signal });
    return came;
  }

  /** The first copy of a chunk is kept. */
  async #passOn(request: Request, buffer: Buffer, signal: AbortSignal): Promise<void> {
    const { sink, onChunk } = this.#options;
    const index = request.next;
    if (!sink.chunks.has(index) && !this.#writing.has(index)) {
      this.#writing.add(index);
      try {
        const bytes = buffer.subarray(0, request.received);
        await sink.write(index, bytes, request.source, signal);
        this.#begun.delete(index);
        onChunk?.(request.source, bytes.length);
      } finally {
        this.#writing.delete(index);
      }
    }
    request.next++;
    request.received = 0;
  }

  /** The body ended, or all chunks of the request are there: was it all that the reply promised? */
  async #requireWhole(
    reply: RangeReply,
    request: Request,
    { came, buffer, signal }: { came: number; buffer: Buffer; signal: AbortSignal },
  ): Promise<void> {
    const { sink } = this.#options;
    if (sink.chunks.complete || request.next >= request.end) return;
    const end = reply.start + came;
    if (reply.end !== undefined && end < reply.end) {
      throw new SourceFailure('passing', `the reply ended at byte ${end} of ${reply.end}`);
    }
    if (reply.end === undefined && sink.chunks.size === undefined) {
      // No length was ever given: the end of the body is the end of the file. The digest decides.
      sink.setSize(end);
      if (request.received > 0) await this.#passOn(request, buffer, signal);
      request.end = request.next;
      return;
    }
    if (came === 0) throw new SourceFailure('passing', 'the reply held nothing of what was asked for');
    if (reply.end === undefined) throw new SourceFailure('passing', `the reply ended at byte ${end}`);
  }

  /** The validator that all further chunks of a source must have: that of its chunks that are there. */
  #validatorOf(source: string): string | undefined {
    const { chunks } = this.#options.sink;
    const counts = this.#validated.has(source) || chunks.contributions().has(source);
    return counts ? chunks.validators.get(source) : undefined;
  }

  /**
   * Makes sure that all chunks are of one copy, before a byte is kept.
   * @param asked the validator that was sent with the request
   * @throws SourceFailure for another size, SourceChanged for another copy than before
   */
  #acceptCopy(source: string, reply: RangeReply, asked: string | undefined): void {
    const { file, sink, onOtherSize } = this.#options;
    const { total, validator, ranged } = reply;
    const { size } = sink.chunks;
    if (total !== undefined && size !== undefined && total !== size) {
      const known = file.bytes === undefined ? 'other sources have' : 'the manifest says';
      if (file.bytes === undefined) onOtherSize?.(source);
      if (ranged) throw new SourceFailure('wrong', `its copy has ${total} bytes, ${known} ${size}`);
      // A short text in place of the file, such as a block page that calls itself application/octet-stream.
      throw new SourceFailure(
        'refused',
        `it answered with ${total} bytes in place of the file, ${known} ${size}`,
      );
    }
    // The whole file, without a validator: the copy that was asked for (If-Range) is no longer there.
    if (!ranged && validator === undefined && asked !== undefined) throw new SourceChanged(source);
    if (total !== undefined) sink.setSize(total);
    if (validator === undefined) return;
    const earlier = this.#validatorOf(source);
    if (earlier !== undefined && earlier !== validator) throw new SourceChanged(source);
    this.#validated.add(source);
    if (sink.chunks.validators.get(source) !== validator) sink.setValidator(source, validator);
  }
}
