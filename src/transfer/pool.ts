/**
 * The sources of a run: which of them may be asked for a file now. Sources come in the order of preference, each with
 * a maximum of connections; a failure makes a source pause or drops it (backoff.ts).
 */
import {
  type Clock,
  DEFAULTS,
  formatSeconds,
  type OnEvent,
  PcamError,
  type SourceReason,
  systemCode,
} from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import type { SourceFailure } from '../net/index.js';
import type { Source } from '../sources/index.js';
import { type Pauses, pauseAfter } from './backoff.js';
import type { SourceVerdict } from './blame.js';

/** The right to send one request. */
export interface Lease {
  readonly source: Source;
  /** @param outcome.closed the connection was cut; a server sees that a moment later than we do */
  release(outcome: { progressed: boolean; failure?: SourceFailure; closed?: boolean }): void;
}

/** A transfer that wants connections. */
export interface Applicant {
  readonly file: DatasetFile;
  /** Sends one more request where that helps; tells whether it did. */
  sendRequest(): boolean;
  /** No source can deliver what is missing. */
  fail(error: PcamError): void;
}

/** A server may see the end of a connection later than the beginning of the next one: a cut one counts so long (ms). */
const CLOSING = 100;

export interface PoolOptions {
  sources: readonly Source[];
  /** Maximum concurrent connections per source, and per host where sources share one. */
  connections: number;
  clock: Clock;
  onEvent?: OnEvent;
  pauses?: Partial<Pauses>;
}

/** How a source is doing: for its host as a whole, or for one file. */
interface Health {
  /** Failures in a row without progress. */
  failures: number;
  pausedUntil: number;
  /** Why it is not asked any more. */
  dropped?: string;
  lastReason?: string;
  /** The system's code of the last failure. */
  lastCode?: string;
  /** What can be done about it. */
  hint?: string;
}

interface FileHealth extends Health {
  /** Requests in progress. */
  active: number;
  /** The source sends the whole file whatever range is requested: one request at a time is enough. */
  single: boolean;
  /** The source answers, and has no file of this name. */
  lacking: boolean;
}

interface Member {
  readonly source: Source;
  readonly host: { active: number };
  readonly health: Health;
  readonly files: Map<string, FileHealth>;
}

export class SourcePool {
  readonly #members: readonly Member[];
  readonly #connections: number;
  readonly #clock: Clock;
  readonly #pauses: Partial<Pauses>;
  readonly #onEvent: OnEvent;
  /** The one source that a file is fetched from, after chunks of several made a wrong file. */
  readonly #only = new Map<string, string>();
  readonly #applicants = new Set<Applicant>();
  readonly #closing = new Set<() => void>();
  #cancelTimer: () => void = () => {};

  constructor({ sources, connections, clock, onEvent = () => {}, pauses = {} }: PoolOptions) {
    const hosts = new Map<string, Member['host']>();
    this.#members = sources.map((source) => {
      const key = source.host ?? `source ${source.id}`;
      const host = hosts.get(key) ?? { active: 0 };
      hosts.set(key, host);
      return { source, host, health: { failures: 0, pausedUntil: 0 }, files: new Map() };
    });
    this.#connections = connections;
    this.#clock = clock;
    this.#pauses = pauses;
    this.#onEvent = onEvent;
  }

  /** The applicant is asked to send requests whenever a connection is free, until the function returned is called. */
  join(applicant: Applicant): () => void {
    this.#applicants.add(applicant);
    this.dispatch();
    return () => {
      this.#applicants.delete(applicant);
      this.dispatch();
    };
  }

  /** Lets applicants send requests; the file with the fewest in progress comes first, so that no file waits for large ones. */
  dispatch(): void {
    this.#cancelTimer();
    while (this.#inTurn().some((applicant) => applicant.sendRequest()));
    const now = this.#clock.now();
    for (const applicant of this.#applicants) {
      const error = this.#active(applicant.file) === 0 ? this.#hopeless(applicant.file) : undefined;
      if (error) applicant.fail(error);
    }
    const ends = [...this.#applicants].flatMap(({ file }) =>
      this.#candidates(file).map((member) => pausedUntil(member, file)),
    );
    const next = Math.min(...ends.filter((end) => end > now));
    if (Number.isFinite(next)) this.#cancelTimer = this.#clock.after(next - now, () => this.dispatch());
  }

  /** Maximum concurrent requests that make sense for a file. */
  places(file: DatasetFile): number {
    const perHost = new Map<Member['host'], number>();
    for (const member of this.#candidates(file)) {
      const more = healthOf(member, file).single ? 1 : this.#connections;
      perHost.set(member.host, Math.min((perHost.get(member.host) ?? 0) + more, this.#connections));
    }
    return [...perHost.values()].reduce((a, b) => a + b, 0);
  }

  /** Ids of the sources that are not dropped for the file, in the order of preference. */
  usable(file: DatasetFile): string[] {
    return this.#members.filter((member) => isUsable(member, file)).map(({ source }) => source.id);
  }

  /** Ids of the sources that answer and have no file of this name. */
  lacking(file: DatasetFile): string[] {
    return this.#members.filter((member) => healthOf(member, file).lacking).map(({ source }) => source.id);
  }

  /** Whether a source that lacks the file is preferred to all that could still deliver it. */
  lacksFirst(file: DatasetFile): boolean {
    const first = this.#members.find((m) => healthOf(m, file).lacking || isUsable(m, file));
    return first !== undefined && healthOf(first, file).lacking;
  }

  /** Asks a source for the first byte of a file, where it has a connection free; a failure does not count. */
  async offers(file: DatasetFile, sourceId: string, signal: AbortSignal): Promise<boolean> {
    if (!this.free(file).includes(sourceId)) return false;
    const { source, release } = this.lease(file, sourceId);
    try {
      const reply = await source.open(file, { start: 0, end: 1 }, signal);
      reply.discard();
      return true;
    } catch {
      return false;
    } finally {
      release({ progressed: false, closed: true });
    }
  }

  /** Ids of the sources that can be asked for the file now, in the order of preference. */
  free(file: DatasetFile): string[] {
    const now = this.#clock.now();
    return this.#candidates(file)
      .filter((m) => pausedUntil(m, file) <= now && m.host.active < this.#connections)
      .filter((m) => !(healthOf(m, file).single && healthOf(m, file).active > 0))
      .map(({ source }) => source.id);
  }

  /** Requests in progress to a source for the file. */
  active(file: DatasetFile, sourceId: string): number {
    return healthOf(this.#member(sourceId), file).active;
  }

  /** @param sourceId one of the `free` sources */
  lease(file: DatasetFile, sourceId: string): Lease {
    const member = this.#member(sourceId);
    const health = healthOf(member, file);
    member.host.active++;
    health.active++;
    return {
      source: member.source,
      release: ({ progressed, failure, closed = failure !== undefined }) => {
        health.active--;
        if (progressed) health.failures = member.health.failures = 0;
        if (failure) this.#fail(member, file, failure);
        if (closed) this.#freeLater(member);
        else member.host.active--;
        this.dispatch();
      },
    };
  }

  /** From now on, the source gets one request at a time for this file. */
  markSingle(file: DatasetFile, sourceId: string): void {
    healthOf(this.#member(sourceId), file).single = true;
  }

  /** Applies what was decided about wrong bytes, in place of what was decided before. */
  judge(file: DatasetFile, { out, only, readmit }: SourceVerdict): void {
    for (const member of this.#members) {
      const { id } = member.source;
      const health = healthOf(member, file);
      if (readmit.has(id)) Object.assign(health, { dropped: undefined, failures: 0, pausedUntil: 0 });
      const reason = out.get(id);
      if (reason === undefined || health.dropped !== undefined) continue;
      health.dropped = reason;
      this.#onEvent({ type: 'drop', file: file.name, source: id, reason });
    }
    if (only === undefined) this.#only.delete(file.name);
    else this.#only.set(file.name, only);
  }

  /** Cancels all timers. */
  close(): void {
    this.#cancelTimer();
    for (const cancel of this.#closing) cancel();
  }

  #member(sourceId: string): Member {
    return this.#members.find(({ source }) => source.id === sourceId)!;
  }

  /** Sources that a file may be fetched from. */
  #candidates(file: DatasetFile): Member[] {
    const only = this.#only.get(file.name);
    return this.#members.filter((m) => isUsable(m, file) && (only === undefined || m.source.id === only));
  }

  #active(file: DatasetFile): number {
    return this.#members.reduce((sum, member) => sum + healthOf(member, file).active, 0);
  }

  #inTurn(): Applicant[] {
    return [...this.#applicants].sort((a, b) => this.#active(a.file) - this.#active(b.file));
  }

  #freeLater(member: Member): void {
    const cancel = this.#clock.after(CLOSING, () => {
      this.#closing.delete(cancel);
      member.host.active--;
      this.dispatch();
    });
    this.#closing.add(cancel);
  }

  #fail(member: Member, file: DatasetFile, failure: SourceFailure): void {
    const health = failure.wholeHost ? member.health : healthOf(member, file);
    if (failure.missing) healthOf(member, file).lacking = true;
    const { kind, retryAfter, message: reason, hint, cause } = failure;
    health.hint = hint ?? health.hint;
    health.lastReason = reason;
    health.lastCode = systemCode(cause) || undefined;
    const now = this.#clock.now();
    // A paused source gets no new requests: those that were in progress fail of the same cause, and count once.
    if (health.pausedUntil > now && kind !== 'wrong') {
      health.pausedUntil = Math.max(health.pausedUntil, now + (retryAfter ?? 0));
      return;
    }
    const failures = ++health.failures;
    const ms = pauseAfter({ kind, failures, retryAfter, random: this.#clock.random(), pauses: this.#pauses });
    if (ms > 0) health.pausedUntil = Math.max(health.pausedUntil, now + ms);
    else health.dropped = reason;
    // A source that lacks the decompressed form may well have the archive: that is no fault of it.
    if (file.unpacked && failure.missing) return;
    const about = { file: file.name, source: member.source.id, reason };
    this.#onEvent(ms > 0 ? { type: 'pause', ...about, ms } : { type: 'drop', ...about });
  }

  /** The error of a file that has no source left, or only sources that pause for too long. */
  #hopeless(file: DatasetFile): PcamError | undefined {
    const members = this.#candidates(file);
    const now = this.#clock.now();
    const { patience = DEFAULTS.patience } = this.#pauses;
    const busy = members.some(({ host }) => host.active >= this.#connections);
    const hope = busy || members.some((member) => pausedUntil(member, file) - now <= patience);
    return hope ? undefined : noSource(this.#members, file, now);
  }
}

function healthOf({ files }: Member, { name }: DatasetFile): FileHealth {
  let health = files.get(name);
  if (!health) {
    health = { failures: 0, pausedUntil: 0, active: 0, single: false, lacking: false };
    files.set(name, health);
  }
  return health;
}

function isUsable(member: Member, file: DatasetFile): boolean {
  return member.source.has(file) && (member.health.dropped ?? healthOf(member, file).dropped) === undefined;
}

function pausedUntil(member: Member, file: DatasetFile): number {
  return Math.max(member.health.pausedUntil, healthOf(member, file).pausedUntil);
}

function noSource(members: readonly Member[], file: DatasetFile, now: number): PcamError {
  const candidates = members.filter((member) => member.source.has(file));
  const reasons = candidates.map((member): SourceReason => {
    const health = healthOf(member, file);
    const { id: source } = member.source;
    const code = member.health.lastCode ?? health.lastCode;
    const dropped = member.health.dropped ?? health.dropped;
    if (dropped !== undefined) return { source, reason: dropped, code };
    const wait = formatSeconds((pausedUntil(member, file) - now) / 1000);
    const reason = `asks to wait ${wait} (${member.health.lastReason ?? health.lastReason ?? 'busy'})`;
    return { source, reason, code };
  });
  const hints = new Set(candidates.map((member) => member.health.hint ?? healthOf(member, file).hint));
  hints.delete(undefined);
  return new PcamError('NO_SOURCE', `no source could deliver ${file.name}: ${joinReasons(reasons)}`, {
    hint: [...hints, 'try again later, or name another place to fetch or import from'].join('; or '),
    options: ['mirrors', 'from'],
    reasons,
  });
}

/** Sources that fail of one cause, such as the proxy that all of them need, are named together. */
function joinReasons(reasons: readonly SourceReason[]): string {
  const sources = new Map<string, string[]>();
  for (const { source, reason } of reasons) sources.set(reason, [...(sources.get(reason) ?? []), source]);
  const said = [...sources].map(([reason, ids]) => `${ids.join(' and ')}: ${reason}`);
  return said.join('; ') || 'no source of the manifest has this file';
}
