/** A source in the pool, and how it is doing: for its host as a whole and for each file: paused, dropped, or ready. */
import { type Clock, formatSeconds, PcamError, type SourceReason, systemCode } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import type { SourceFailure } from '../net/index.js';
import type { Source } from '../sources/index.js';
import { type Pauses, pauseAfter } from './backoff.js';

export interface Health {
  /** Failures in a row without progress. */
  failures: number;
  restUntil: number;
  /** Why it is not asked any more. */
  dropped?: string;
  lastReason?: string;
  /** What can be done about it. */
  hint?: string;
  /** The system's code of the last failure. */
  lastCode?: string;
}

export interface FileHealth extends Health {
  /** Requests in progress for this file. */
  active: number;
  /** The source sends the whole file whatever is asked: one request at a time is enough. */
  single: boolean;
  /** The source answers, and has no file of this name. */
  lacking: boolean;
}

export function newHealth(): Health {
  return { failures: 0, restUntil: 0 };
}

function newFileHealth(): FileHealth {
  return { ...newHealth(), active: 0, single: false, lacking: false };
}

/** What a failure came to; undefined where it is one of several of the same cause. */
export type Consequence = { type: 'pause'; ms: number } | { type: 'drop' };

export function recordFailure(
  health: Health,
  { kind, retryAfter, message, cause }: SourceFailure,
  { clock, pauses }: { clock: Clock; pauses: Partial<Pauses> },
): Consequence | undefined {
  const now = clock.now();
  health.lastReason = message;
  health.lastCode = systemCode(cause) || undefined;
  // A paused source gets no new requests: those that were in progress fail of the same cause, and count once.
  if (health.restUntil > now && kind !== 'wrong') {
    health.restUntil = Math.max(health.restUntil, now + (retryAfter ?? 0));
    return undefined;
  }
  health.failures++;
  const ms = pauseAfter({ kind, failures: health.failures, retryAfter, random: clock.random(), pauses });
  if (ms === 0) {
    health.dropped = message;
    return { type: 'drop' };
  }
  health.restUntil = Math.max(health.restUntil, now + ms);
  return { type: 'pause', ms };
}

/** Connections of one host. */
export interface Host {
  active: number;
}

export interface PoolMember {
  readonly source: Source;
  readonly host: Host;
  /** Of the source as a whole: 429, refused connections, a bad certificate. */
  readonly health: Health;
  readonly files: Map<string, FileHealth>;
}

/** What a file of which nothing is known yet has; never changed. */
const UNKNOWN: Readonly<FileHealth> = Object.freeze(newFileHealth());

export function look({ files }: PoolMember, { name }: DatasetFile): Readonly<FileHealth> {
  return files.get(name) ?? UNKNOWN;
}

export function change({ files }: PoolMember, { name }: DatasetFile): FileHealth {
  const health = files.get(name) ?? newFileHealth();
  files.set(name, health);
  return health;
}

export function isUsable(member: PoolMember, file: DatasetFile): boolean {
  return (
    member.source.has(file) && member.health.dropped === undefined && look(member, file).dropped === undefined
  );
}

export function restUntil(member: PoolMember, file: DatasetFile): number {
  return Math.max(member.health.restUntil, look(member, file).restUntil);
}

/** No source is left for a file, or all that are left pause for too long. */
export function noSource(members: readonly PoolMember[], file: DatasetFile, now: number): PcamError {
  const candidates = members.filter((member) => member.source.has(file));
  const reasons = candidates.map((member): SourceReason => {
    const health = look(member, file);
    const dropped = member.health.dropped ?? health.dropped;
    const code = member.health.lastCode ?? health.lastCode;
    const { id } = member.source;
    if (dropped !== undefined) return { source: id, reason: dropped, code };
    const wait = formatSeconds((restUntil(member, file) - now) / 1000);
    const reason = `asks to wait ${wait} (${member.health.lastReason ?? health.lastReason ?? 'busy'})`;
    return { source: id, reason, code };
  });
  const hints = new Set(candidates.map((member) => member.health.hint ?? look(member, file).hint));
  hints.delete(undefined);
  return new PcamError('NO_SOURCE', `no source could deliver ${file.name}: ${sayOnce(reasons)}`, {
    hint: [...hints, 'try again later, or name another place to fetch or import from'].join('; or '),
    options: ['mirrors', 'from'],
    reasons,
  });
}

/** Sources that fail of one cause, such as the proxy that all of them need, are named together. */
function sayOnce(reasons: readonly SourceReason[]): string {
  const sources = new Map<string, string[]>();
  for (const { source, reason } of reasons) sources.set(reason, [...(sources.get(reason) ?? []), source]);
  const said = [...sources].map(([reason, ids]) => `${ids.join(' and ')}: ${reason}`);
  return said.join('; ') || 'no source of the manifest has this file';
}
