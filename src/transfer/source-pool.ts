/**
 * The pool of sources: who may be asked next for a file, who rests, who is out. Sources are taken in the order of
 * preference, each with so many requests at once; a failure sends a source to rest or drops it (retry.ts).
 */
import {
  abortError,
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
import { type Rests, restAfter } from './backoff.js';

/** A permission to send one request. Give it back with `release`. */
export interface Lease {
  readonly source: Source;
  release(outcome: { progressed: boolean; failure?: SourceFailure }): void;
}

interface Health {
  /** Failures in a row without progress. */
  failures: number;
  restUntil: number;
  dropped?: string;
  lastReason?: string;
  /** The system's code of the last failure. */
  lastCode?: string;
}

interface Member {
  readonly source: Source;
  /** Requests under way, over all files. */
  active: number;
  /** Of the host as a whole: 429, refused connections, a bad certificate. */
  readonly host: Health;
  readonly files: Map<string, FileHealth>;
}

interface FileHealth extends Health {
  active: number;
  /** The source sends the whole file whatever is asked: one request at a time is enough. */
  single: boolean;
}

interface Waiter {
  file: DatasetFile;
  idle: boolean;
  resolve: (lease: Lease) => void;
  reject: (error: PcamError) => void;
}

export interface PoolOptions {
  sources: readonly Source[];
  /** Most requests at once a source. */
  connections: number;
  clock: Clock;
  onEvent?: OnEvent;
  patience?: number;
  rests?: Partial<Rests>;
}

export class SourcePool {
  readonly #members: Member[];
  readonly #connections: number;
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #rests: Partial<Rests>;
  readonly #onEvent: OnEvent;
  /** Files that are fetched from one source alone, after bytes of several made a wrong whole. */
  readonly #alone = new Map<string, string>();
  #waiters: Waiter[] = [];
  #cancelTimer: () => void = () => {};

  constructor({
    sources,
    connections,
    clock,
    onEvent = () => {},
    rests = {},
    patience = rests.patience ?? DEFAULTS.patience,
  }: PoolOptions) {
    this.#members = sources.map((source) => ({ source, active: 0, host: newHealth(), files: new Map() }));
    this.#connections = connections;
    this.#clock = clock;
    this.#patience = patience;
    this.#rests = rests;
    this.#onEvent = onEvent;
  }

  /** Most requests at once that make sense for a file. */
  lanes(file: DatasetFile): number {
    return this.#usable(file).reduce(
      (sum, member) => sum + (fileHealth(member, file).single ? 1 : this.#connections),
      0,
    );
  }

  /** Ids of the sources that could still deliver the file, in the order of preference. */
  usable(file: DatasetFile): string[] {
    return this.#usable(file).map((member) => member.source.id);
  }

  /** Could a source be asked for the file that is not being asked for it now? */
  idle(file: DatasetFile): boolean {
    return this.#usable(file).some((member) => fileHealth(member, file).active === 0);
  }

  /**
   * Waits for a healthy source with a free place.
   * @param options.idle only one that is not asked for this file now
   * @throws PcamError NO_SOURCE when no source is left, or all that are left rest for too long
   */
  lease(file: DatasetFile, signal: AbortSignal, { idle = false } = {}): Promise<Lease> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortError(signal));
      const onAbort = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(abortError(signal));
        this.#dispatch();
      };
      const done = () => signal.removeEventListener('abort', onAbort);
      const waiter: Waiter = {
        file,
        idle,
        resolve: (lease) => {
          done();
          resolve(lease);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
      this.#dispatch();
    });
  }

  /** This source sends whole files: one request at a time from now on. */
  markSingle(file: DatasetFile, sourceId: string): void {
    const member = this.#member(sourceId);
    if (member) fileHealth(member, file).single = true;
  }

  /** The source cannot serve this file any more, such as after a wrong digest. */
  drop(file: DatasetFile, sourceId: string, reason: string): void {
    const member = this.#member(sourceId);
    if (!member) return;
    fileHealth(member, file).dropped = reason;
    this.#onEvent({ type: 'drop', file: file.name, source: sourceId, reason });
    this.#dispatch();
  }

  /** Gives all sources but some another chance: what they were dropped for may have been another one's fault. */
  forgive(file: DatasetFile, but: ReadonlySet<string>): void {
    for (const { source, files } of this.#members) if (!but.has(source.id)) files.delete(file.name);
  }

  /** From now on the file is fetched from this source alone; from all again when undefined. */
  restrict(file: DatasetFile, sourceId: string | undefined): void {
    if (sourceId === undefined) this.#alone.delete(file.name);
    else this.#alone.set(file.name, sourceId);
  }

  #member(sourceId: string): Member | undefined {
    return this.#members.find((member) => member.source.id === sourceId);
  }

  #usable(file: DatasetFile): Member[] {
    const alone = this.#alone.get(file.name);
    return this.#members.filter(
      (m) =>
        m.source.has(file) &&
        m.host.dropped === undefined &&
        fileHealth(m, file).dropped === undefined &&
        (alone === undefined || m.source.id === alone),
    );
  }

  #dispatch(): void {
    this.#cancelTimer();
    const now = this.#clock.now();
    let wake = Number.POSITIVE_INFINITY;
    for (const waiter of this.#inTurn()) {
      const usable = this.#usable(waiter.file);
      const free = usable.find((m) => restUntil(m, waiter.file) <= now && this.#hasPlace(m, waiter));
      if (free) {
        this.#settle(waiter);
        waiter.resolve(this.#grant(free, waiter.file));
        continue;
      }
      const earliest = Math.min(...usable.map((m) => Math.max(restUntil(m, waiter.file), now)));
      const working = usable.some(
        (m) => fileHealth(m, waiter.file).active > 0 || m.active >= this.#connections,
      );
      if (usable.length === 0 || (!working && earliest - now > this.#patience)) {
        this.#settle(waiter);
        waiter.reject(this.#noSource(waiter.file, now));
        continue;
      }
      // Those that are due now wait for a place, and giving one back dispatches again.
      for (const m of usable)
        if (restUntil(m, waiter.file) > now) wake = Math.min(wake, restUntil(m, waiter.file));
    }
    if (Number.isFinite(wake)) this.#cancelTimer = this.#clock.after(wake - now, () => this.#dispatch());
  }

  /** Files with the fewest requests under way come first, so that no large file keeps small ones waiting. */
  #inTurn(): Waiter[] {
    const underWay = ({ file }: Waiter) =>
      this.#members.reduce((sum, m) => sum + fileHealth(m, file).active, 0);
    return this.#waiters
      .map((waiter) => ({ waiter, active: underWay(waiter) }))
      .sort((a, b) => a.active - b.active)
      .map(({ waiter }) => waiter);
  }

  #hasPlace(member: Member, { file, idle }: Waiter): boolean {
    const health = fileHealth(member, file);
    return member.active < this.#connections && !((health.single || idle) && health.active > 0);
  }

  #settle(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
  }

  #grant(member: Member, file: DatasetFile): Lease {
    const health = fileHealth(member, file);
    member.active++;
    health.active++;
    let released = false;
    return {
      source: member.source,
      release: ({ progressed, failure }) => {
        if (released) return;
        released = true;
        member.active--;
        health.active--;
        if (progressed) health.failures = member.host.failures = 0;
        if (failure) this.#fail(member, file, failure);
        this.#dispatch();
      },
    };
  }

  #fail(member: Member, file: DatasetFile, failure: SourceFailure): void {
    const health = failure.wholeHost ? member.host : fileHealth(member, file);
    const now = this.#clock.now();
    health.lastReason = failure.message;
    health.lastCode = systemCode(failure.cause) || undefined;
    const { kind, retryAfter } = failure;
    // A source at rest gets no new requests: those that were under way fail of the same cause, and count once.
    if (health.restUntil > now && kind !== 'wrong') {
      health.restUntil = Math.max(health.restUntil, now + (retryAfter ?? 0));
      return;
    }
    health.failures++;
    const random = this.#clock.random();
    const ms = restAfter({ kind, failures: health.failures, retryAfter, random, rests: this.#rests });
    const told = { file: file.name, source: member.source.id, reason: failure.message };
    if (ms === 0) {
      health.dropped = failure.message;
      this.#onEvent({ type: 'drop', ...told });
    } else {
      health.restUntil = Math.max(health.restUntil, now + ms);
      this.#onEvent({ type: 'pause', ...told, ms });
    }
  }

  #noSource(file: DatasetFile, now: number): PcamError {
    const candidates = this.#members.filter((member) => member.source.has(file));
    const reasons = candidates.map((member): SourceReason => {
      const health = fileHealth(member, file);
      const dropped = member.host.dropped ?? health.dropped;
      const code = member.host.lastCode ?? health.lastCode;
      const { id } = member.source;
      if (dropped !== undefined) return { source: id, reason: dropped, code };
      const wait = formatSeconds((restUntil(member, file) - now) / 1000);
      const reason = `asks to wait ${wait} (${member.host.lastReason ?? health.lastReason ?? 'busy'})`;
      return { source: id, reason, code };
    });
    const said =
      reasons.map(({ source, reason }) => `${source}: ${reason}`).join('; ') ||
      'no source of the manifest has this file';
    return new PcamError('NO_SOURCE', `no source could deliver ${file.name}: ${said}`, {
      hint: 'try again later, or name another place to fetch or import from',
      options: ['mirrors', 'from'],
      reasons,
    });
  }
}

function newHealth(): Health {
  return { failures: 0, restUntil: 0 };
}

function fileHealth(member: Member, file: DatasetFile): FileHealth {
  let health = member.files.get(file.name);
  if (!health) {
    health = { ...newHealth(), active: 0, single: false };
    member.files.set(file.name, health);
  }
  return health;
}

function restUntil(member: Member, file: DatasetFile): number {
  return Math.max(member.host.restUntil, fileHealth(member, file).restUntil);
}
