/**
 * A piece of work of one connection, and what a free connection can do for it: take over so much of its piece that both are done at the same time,
 * or ask for all of it again where the other is hopeless. Pure: speeds in, a range and the time that it saves out.
 */
import type { ByteRange } from '../core/index.js';
import type { Speeds } from './speeds.js';

/** Before anything is known of speeds, a piece is divided while both halves have so many bytes. */
const WORTH_A_REQUEST = 512 * 1024;
/** Help is worth a request when it saves so much (s), and so much of the time. */
const WORTH_SECONDS = 0.1;
const WORTH_SHARE = 0.8;
/** What a connection keeps of a piece that is taken over; less is not worth waiting for. */
export const WORTH_KEEPING = 16 * 1024;

/** A piece of work of one connection. */
export interface Piece {
  readonly source: string;
  readonly start: number;
  /** Moves down when another connection takes over the tail, up where a server sends the whole file anyway. */
  end: number;
  /** Up to where bytes are in the part; what follows, up to `reached`, waits to be written. */
  written: number;
  reached: number;
  /** Since when it waits for the network (ms); undefined while it waits for us: the disk, the limit, the digests. */
  waitingSince: number | undefined;
  /** Bytes per second; undefined before there is something to measure. */
  speed: number | undefined;
  /** The last look: when, how far it was, and since when no further. */
  measured: { at: number; reached: number; moved: number };
  /** Another piece that asks for the same bytes. */
  rival: Piece | undefined;
  /** Ends the request: all that it is to fetch is there. */
  stop: () => void;
}

/** A connection that is free, and what can be expected of it. */
export interface Helper {
  readonly source: string;
  /** Sends the file from its first byte, whatever is asked for. */
  readonly single: boolean;
  /** Most bytes that it may ask for. */
  readonly most: number;
}

export interface Help {
  readonly victim: Piece;
  readonly range: ByteRange;
  /** The victim keeps nothing for itself, and continues: the first one wins. */
  readonly rival: boolean;
  /** Seconds that it saves. */
  readonly saved: number;
}

interface HelpInput {
  readonly victim: Piece;
  /** What it has still to fetch. */
  readonly needed: ByteRange;
  /** Its end is known, so that a part of it can be asked for. */
  readonly divisible: boolean;
  readonly helper: Helper;
  readonly speeds: Speeds;
}

/** @returns undefined where help would save too little */
export function helpFor({ victim, needed, divisible, helper, speeds }: HelpInput): Help | undefined {
  const left = needed.end - needed.start;
  const [own, theirs] = speedsOf(victim, helper, speeds);
  if (!divisible) {
    return theirs === 0 ? { victim, range: needed, rival: true, saved: Number.POSITIVE_INFINITY } : undefined;
  }
  if (own === undefined) return helper.single ? undefined : halve(victim, needed);
  // Bytes before the range come as well, and are thrown away.
  const late = speeds.latency(helper.source) + (helper.single ? needed.start / own : 0);
  const alone = theirs > 0 ? left / theirs : Number.POSITIVE_INFINITY;
  const together = (late * own + left) / (own + theirs);
  if (together > alone * WORTH_SHARE || alone - together < WORTH_SECONDS) return undefined;
  const keeps = Math.floor(theirs * together);
  const rival = keeps < WORTH_KEEPING || keeps >= left;
  const range = rival ? needed : { start: needed.start + keeps, end: needed.end };
  return { victim, range, rival, saved: alone - together };
}

/** What is not known is taken to be as that which is; undefined when nothing is. */
function speedsOf(
  victim: Piece,
  { source }: Helper,
  speeds: Speeds,
): [own: number, theirs: number] | [undefined, undefined] {
  const own = speeds.of(source);
  const theirs = victim.speed ?? speeds.of(victim.source) ?? (speeds.isSilent(victim.source) ? 0 : undefined);
  const either = own ?? (theirs || speeds.best);
  return either === undefined && theirs === undefined
    ? [undefined, undefined]
    : [either ?? WORTH_A_REQUEST, theirs ?? either!];
}

function halve(victim: Piece, { start, end }: ByteRange): Help | undefined {
  if (end - start < 2 * WORTH_A_REQUEST) return undefined;
  const range = { start: end - Math.floor((end - start) / 2), end };
  return { victim, range, rival: false, saved: (end - start) / 2 };
}
