/** One request: asks a source for a piece, and puts what comes into the part. */
import type { Clock } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { type RangeReply, SourceFailure } from '../net/index.js';
import type { Source } from '../sources/index.js';
import type { SourceCopies } from './copies.js';
import { type Backlog, type RateLimit, waitWhile } from './pace.js';
import type { Piece } from './piece.js';
import { PieceWriter, type WritablePart } from './piece-writer.js';
import type { Pieces } from './pieces.js';
import type { Speeds } from './speeds.js';

export interface RequestContext {
  readonly file: DatasetFile;
  readonly part: WritablePart;
  readonly pieces: Pieces;
  readonly copies: SourceCopies;
  readonly speeds: Speeds;
  readonly limit: RateLimit;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly onReceived: (source: string, bytes: number) => void;
  /** Size and abilities of the source are known: more requests can be sent. */
  readonly onReply: (source: string, reply: RangeReply) => void;
}

/** True when the reply was read to its end, so that the connection can be used again. */
export type ReadToEnd = boolean;

/** @throws SourceFailure, SourceChanged, or the reason of `signal` */
export async function request(
  context: RequestContext,
  { source, piece, signal }: { source: Source; piece: Piece; signal: AbortSignal },
): Promise<ReadToEnd> {
  const { file, pieces, copies, speeds, limit, clock, onReply } = context;
  const paid = Number.isFinite(limit.most()) ? piece.end - piece.start : 0;
  let reply: RangeReply | undefined;
  try {
    await limit.take(paid, signal);
    const asked = clock.now();
    piece.waitingSince = asked;
    piece.measured = { at: asked, reached: piece.start, moved: asked };
    const validator = copies.validatorOf(source.id);
    reply = await source.open(file, { start: piece.start, end: piece.end, validator }, signal);
    await copies.accept(source.id, reply, validator);
    const latency = clock.now() - asked;
    pieces.size = context.part.size ?? Number.POSITIVE_INFINITY;
    piece.end = Math.min(piece.end, pieces.size);
    if (!reply.ranged) pieces.extend(piece);
    onReply(source.id, reply);
    const { came, body } = await receive(context, { reply, piece, paid, signal });
    speeds.observeReply(source.id, piece.reached - piece.start, { latency, body });
    const position = reply.start + came;
    await requireWhole(context, { reply, piece, position });
    return reply.end === position;
  } finally {
    reply?.discard();
    limit.refund(Math.max(0, paid - (piece.reached - piece.start)));
  }
}

interface Receiving {
  reply: RangeReply;
  piece: Piece;
  /** Bytes that were paid for when they were asked for. */
  paid: number;
  signal: AbortSignal;
}

/** @returns bytes of the body, and how long it took (ms) */
async function receive(
  { part, pieces, clock, onReceived, limit, backlog }: RequestContext,
  { reply, piece, paid, signal }: Receiving,
): Promise<{ came: number; body: number }> {
  const writer = new PieceWriter({ part, pieces, piece, clock, onReceived });
  const limited = Number.isFinite(limit.most());
  let came = 0;
  const began = clock.now();
  try {
    for await (const chunk of reply.body) {
      piece.waitingSince = undefined;
      const skip = Math.min(chunk.length, Math.max(0, piece.start - reply.start - came));
      came += chunk.length;
      const end = Math.min(reply.start + came, piece.end);
      if (!part.hasRoom(end)) await waitWhile(() => !part.hasRoom(end), clock, signal);
      if (limited && came > paid) await limit.take(Math.min(chunk.length, came - paid), signal);
      const writing = skip < chunk.length ? writer.add(skip === 0 ? chunk : chunk.subarray(skip)) : undefined;
      if (writing) await writing;
      if (reply.start + came > pieces.size) {
        throw new SourceFailure('wrong', `it sends more than the ${pieces.size} bytes of the file`);
      }
      if (piece.reached >= piece.end) {
        await writer.flush();
        // Read to its end, so that the connection can be used again.
        if (reply.start + came !== reply.end || part.complete) break;
      }
      const behind = writing && backlog(signal);
      if (behind) await behind;
      piece.waitingSince = clock.now();
    }
  } finally {
    piece.waitingSince = undefined;
    // What came before a failure, or a Ctrl-C, is kept as well.
    await writer.flush();
  }
  return { came, body: clock.now() - began };
}

/** The body ended, or all of the piece is there: was it all that the reply promised? */
async function requireWhole(
  { part, pieces }: RequestContext,
  { reply, piece, position }: { reply: RangeReply; piece: Piece; position: number },
): Promise<void> {
  if (piece.reached >= piece.end) return;
  if (reply.end !== undefined && position < reply.end) {
    throw new SourceFailure('passing', `the reply ended at byte ${position} of ${reply.end}`);
  }
  if (reply.end === undefined && !Number.isFinite(piece.end)) {
    // No length was ever given: the end of the body is the end of the file. The digest decides.
    await part.setSize(position);
    pieces.size = position;
    return;
  }
  if (piece.reached === piece.start) {
    throw new SourceFailure('passing', 'the reply held nothing of what was asked for');
  }
}
