/**
 * The pool of sources: which one may be asked next for a file. Sources are taken in the order of preference, each with
 * so many connections; a failure makes a source pause or drops it (backoff.ts).
 */
import { abortError, type Clock, DEFAULTS, type OnEvent, type PcamError } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import type { SourceFailure } from '../net/index.js';
import type { Source } from '../sources/index.js';
import type { Pauses } from './backoff.js';
import type { SourceVerdict } from './blame.js';
import { sleep } from './pace.js';
import {
  change,
  type Host,
  isUsable,
  look,
  newHealth,
  noSource,
  type PoolMember,
  recordFailure,
  restUntil,
} from './source-health.js';

/** A permission to send one request. Give it back with `release`. */
export interface Lease {
  readonly source: Source;
  /** @param outcome.closed the connection was cut; a server sees that a moment later than we do */
  release(outcome: { progressed: boolean; failure?: SourceFailure; closed?: boolean }): void;
}

/**
 * How long a cut connection still counts (ms): a server that learns of its end and of a new connection in the same
 * moment may see both, and would see more of them than were allowed.
 */
const CLOSING = 100;
/** How often who waits for a place at one source looks again (ms). */
const LOOK_AGAIN = 20;

interface Waiter {
  file: DatasetFile;
  resolve: (lease: Lease) => void;
  reject: (error: PcamError) => void;
}

export interface PoolOptions {
  sources: readonly Source[];
  /** Most connections at once per source, and per host where sources share one. */
  connections: number;
  clock: Clock;
  onEvent?: OnEvent;
  patience?: number;
  pauses?: Partial<Pauses>;
}

export class SourcePool {
  readonly #members: PoolMember[];
  readonly #connections: number;
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #pauses: Partial<Pauses>;
  readonly #onEvent: OnEvent;
  /** The one source that a file is fetched from, after bytes of several made a wrong whole. */
  readonly #only = new Map<string, string>();
  #waiters: Waiter[] = [];
  #cancelTimer: () => void = () => {};
  readonly #closing = new Set<() => void>();

  constructor({
    sources,
    connections,
    clock,
    onEvent = () => {},
    pauses = {},
    patience = pauses.patience ?? DEFAULTS.patience,
  }: PoolOptions) {
    const hosts = new Map<string, Host>();
    this.#members = sources.map((source) => {
      const key = source.host ?? `source ${source.id}`;
      const host = hosts.get(key) ?? { active: 0 };
      hosts.set(key, host);
      return { source, host, health: newHealth(), files: new Map() };
    });
    this.#connections = connections;
    this.#clock = clock;
    this.#patience = patience;
    this.#pauses = pauses;
    this.#onEvent = onEvent;
  }

  /** Most requests at once that make sense for a file. */
  lanes(file: DatasetFile): number {
    const perHost = new Map<Host, number>();
    for (const member of this.#usable(file)) {
      const places = (perHost.get(member.host) ?? 0) + (look(member, file).single ? 1 : this.#connections);
      perHost.set(member.host, Math.min(places, this.#connections));
    }
    return [...perHost.values()].reduce((a, b) => a + b, 0);
  }

  /** Ids of the sources that are not out for the file, in the order of preference. */
  usable(file: DatasetFile): string[] {
    return this.#members.filter((member) => isUsable(member, file)).map(({ source }) => source.id);
  }

  /** Ids of the sources that answer and have no file of this name. */
  lacking(file: DatasetFile): string[] {
    return this.#members.filter((member) => look(member, file).lacking).map(({ source }) => source.id);
  }

  /** Asks a source for the first byte of a file, over a connection of its own; failures are not counted. */
  async offers(file: DatasetFile, sourceId: string, signal: AbortSignal): Promise<boolean> {
    for (;;) {
      const lease = this.leaseNow(file, sourceId);
      if (lease) return isOffered(lease, file, signal);
      if (!this.usable(file).includes(sourceId)) return false;
      await sleep(LOOK_AGAIN, this.#clock, signal);
    }
  }

  /** Is a source that lacks the file preferred to all that could still deliver it? */
  lacksFirst(file: DatasetFile): boolean {
    const first = this.#members.find((member) => look(member, file).lacking || isUsable(member, file));
    return first !== undefined && look(first, file).lacking;
  }

  /** Ids of the sources that could be asked for the file this moment. */
  free(file: DatasetFile): string[] {
    const now = this.#clock.now();
    return this.#usable(file)
      .filter((member) => restUntil(member, file) <= now && this.#hasPlace(member, file))
      .map(({ source }) => source.id);
  }

  /** Requests in progress to a source for the file. */
  active(file: DatasetFile, sourceId: string): number {
    const member = this.#member(sourceId);
    return member ? look(member, file).active : 0;
  }

  /** One of the `free` ones, at once. */
  leaseNow(file: DatasetFile, sourceId: string): Lease | undefined {
    const member = this.#member(sourceId);
    return member && this.free(file).includes(sourceId) ? this.#grant(member, file) : undefined;
  }

  /**
   * Waits for a healthy source with a free place.
   * @throws PcamError NO_SOURCE when no source is left, or all that are left pause for too long
   */
  lease(file: DatasetFile, signal: AbortSignal): Promise<Lease> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortError(signal));
      const onAbort = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(abortError(signal));
        this.#dispatch();
      };
      const settle = () => {
        signal.removeEventListener('abort', onAbort);
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
      };
      const waiter: Waiter = {
        file,
        resolve: (lease) => {
          settle();
          resolve(lease);
        },
        reject: (error) => {
          settle();
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
    if (member) change(member, file).single = true;
  }

  /** Applies what was decided about wrong bytes, in place of what was decided before. */
  judge(file: DatasetFile, { out, only, readmit }: SourceVerdict): void {
    for (const member of this.#members) {
      const { id } = member.source;
      if (readmit.has(id))
        Object.assign(change(member, file), { dropped: undefined, failures: 0, restUntil: 0 });
      const reason = out.get(id);
      if (reason === undefined || look(member, file).dropped !== undefined) continue;
      change(member, file).dropped = reason;
      this.#onEvent({ type: 'drop', file: file.name, source: id, reason });
    }
    if (only === undefined) this.#only.delete(file.name);
    else this.#only.set(file.name, only);
    this.#dispatch();
  }

  /** Leaves no timer behind. No lease is waited for any more. */
  close(): void {
    this.#cancelTimer();
    for (const cancel of this.#closing) cancel();
  }

  #member(sourceId: string): PoolMember | undefined {
    return this.#members.find((member) => member.source.id === sourceId);
  }

  #usable(file: DatasetFile): PoolMember[] {
    const only = this.#only.get(file.name);
    return this.#members.filter(
      (member) => isUsable(member, file) && (only === undefined || member.source.id === only),
    );
  }

  #dispatch(): void {
    this.#cancelTimer();
    const now = this.#clock.now();
    let wake = Number.POSITIVE_INFINITY;
    for (const waiter of this.#inTurn()) {
      const { file } = waiter;
      const usable = this.#usable(file);
      const free = usable.find((m) => restUntil(m, file) <= now && this.#hasPlace(m, file));
      if (free) {
        waiter.resolve(this.#grant(free, file));
        continue;
      }
      const earliest = Math.min(...usable.map((m) => Math.max(restUntil(m, file), now)));
      const working = usable.some((m) => look(m, file).active > 0 || m.host.active >= this.#connections);
      if (usable.length === 0 || (!working && earliest - now > this.#patience)) {
        waiter.reject(noSource(this.#members, file, now));
        continue;
      }
      // Those that are due now wait for a place, and giving one back dispatches again.
      for (const m of usable) if (restUntil(m, file) > now) wake = Math.min(wake, restUntil(m, file));
    }
    if (Number.isFinite(wake)) this.#cancelTimer = this.#clock.after(wake - now, () => this.#dispatch());
  }

  /** Files with the fewest requests in progress come first, so that no large file keeps small ones waiting. */
  #inTurn(): Waiter[] {
    const underWay = ({ file }: Waiter) => this.#members.reduce((sum, m) => sum + look(m, file).active, 0);
    return this.#waiters
      .map((waiter) => ({ waiter, active: underWay(waiter) }))
      .sort((a, b) => a.active - b.active)
      .map(({ waiter }) => waiter);
  }

  #hasPlace(member: PoolMember, file: DatasetFile): boolean {
    const { single, active } = look(member, file);
    return member.host.active < this.#connections && !(single && active > 0);
  }

  #grant(member: PoolMember, file: DatasetFile): Lease {
    const health = change(member, file);
    member.host.active++;
    health.active++;
    let released = false;
    return {
      source: member.source,
      release: ({ progressed, failure, closed = failure !== undefined }) => {
        if (released) return;
        released = true;
        health.active--;
        if (progressed) health.failures = member.health.failures = 0;
        if (failure) this.#fail(member, file, failure);
        const free = () => {
          member.host.active--;
          this.#dispatch();
        };
        if (closed) this.#later(free);
        else free();
      },
    };
  }

  #later(free: () => void): void {
    const cancel = this.#clock.after(CLOSING, () => {
      this.#closing.delete(cancel);
      free();
    });
    this.#closing.add(cancel);
    this.#dispatch();
  }

  #fail(member: PoolMember, file: DatasetFile, failure: SourceFailure): void {
    const health = failure.wholeHost ? member.health : change(member, file);
    if (failure.missing) change(member, file).lacking = true;
    if (failure.hint !== undefined) health.hint = failure.hint;
    const consequence = recordFailure(health, failure, { clock: this.#clock, pauses: this.#pauses });
    if (consequence)
      this.#onEvent({ ...consequence, file: file.name, source: member.source.id, reason: failure.message });
  }
}

async function isOffered(
  { source, release }: Lease,
  file: DatasetFile,
  signal: AbortSignal,
): Promise<boolean> {
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
