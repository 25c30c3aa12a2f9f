/**
 * Who is to blame for wrong bytes of a file, and what is tried next. Pure: events in, a decision out; it asks no source
 * and keeps a count for each cause and source, so that one mishap never pays for another.
 */
import { IMPORTED } from '../store/index.js';

/** How often the same thing may go wrong, per source or for the file as a whole, before it is not tried again. */
const MAX_CHANGES = 3;
const MAX_TAMPERINGS = 3;
const MAX_NEW_SIZES = 2;
/** The only source that is left gets a second chance: bytes are flipped on the way as well. */
const MAX_MISMATCHES = 2;

export type BlameEvent =
  /** All bytes are there, and their digest is wrong. `from`: their sources; `usable`: sources that could be asked again. */
  | { type: 'mismatch'; from: readonly string[]; usable: readonly string[] }
  /** The copy of a source is not the one that its earlier bytes came from. */
  | { type: 'changed'; source: string }
  /** What is on the disk is not what was written there. */
  | { type: 'tampered' }
  /** A source was refused because its copy has another size than the first source gave; the manifest gives none. */
  | { type: 'other-size'; source: string }
  /** Bytes are missing and no source can deliver them. `from`: the sources of those that are there. */
  | { type: 'no-source'; from: ReadonlySet<string>; usable: readonly string[] };

/** What the pool of sources is to do for a file; each one replaces the one before. */
export interface SourceVerdict {
  /** Not asked for the file again, and why. */
  readonly out: ReadonlyMap<string, string>;
  /** Asked alone, to find out which source of a wrong mixture is wrong. */
  readonly only: string | undefined;
  /** Asked again, though they failed: they failed by the word of a source that proved wrong. */
  readonly readmit: ReadonlySet<string>;
}

export interface Decision {
  /** What is thrown away before the next try. */
  readonly discard: 'everything' | 'nothing' | { readonly from: string };
  readonly verdict: SourceVerdict;
  /** Set when there is no next try: what the file failed of. */
  readonly fail?: 'mismatch' | 'tampered' | 'no-source';
}

export class Blame {
  readonly #wrong = new Counter();
  readonly #changes = new Counter();
  #tamperings = 0;
  #newSizes = 0;
  #mismatched = false;
  /** Sources of a wrong mixture that were not yet tried alone, in the order of preference. */
  #suspects: readonly string[] = [];
  readonly #otherSize = new Set<string>();
  readonly #out = new Map<string, string>();

  decide(event: BlameEvent): Decision {
    switch (event.type) {
      case 'mismatch':
        return this.#mismatch(event);
      case 'changed':
        if (this.#changes.add(event.source) >= MAX_CHANGES)
          this.#exclude(event.source, 'its copy keeps changing');
        return this.#next({ from: event.source });
      case 'tampered':
        return this.#next('nothing', ++this.#tamperings >= MAX_TAMPERINGS ? 'tampered' : undefined);
      case 'other-size':
        this.#otherSize.add(event.source);
        return this.#next('nothing');
      case 'no-source':
        return this.#noSource(event);
    }
  }

  #mismatch({ from, usable }: Extract<BlameEvent, { type: 'mismatch' }>): Decision {
    this.#mismatched = true;
    const readmit = this.#takeSourcesOfOtherSize();
    // Bytes that another tool left are the first suspect: they alone are fetched again.
    const discard = from.includes(IMPORTED) ? { from: IMPORTED } : 'everything';
    if (discard === 'everything') {
      if (from.length > 1) this.#suspects = usable.filter((id) => from.includes(id));
      else for (const source of from) this.#condemn(source, usable);
    }
    const left = this.#left(usable).length + readmit.size;
    return this.#next(discard, left === 0 ? 'mismatch' : undefined, readmit);
  }

  #noSource({ from, usable }: Extract<BlameEvent, { type: 'no-source' }>): Decision {
    if (this.#otherSize.size > 0 && this.#newSizes < MAX_NEW_SIZES) {
      // The sources that gave the size cannot deliver, and those that can were refused because of it: now their size counts.
      this.#newSizes++;
      const readmit = this.#takeSourcesOfOtherSize();
      for (const source of from)
        if (!readmit.has(source))
          this.#exclude(source, 'it gave another size, and could not deliver the file');
      return this.#next('everything', undefined, readmit);
    }
    if (!this.#mismatched) return this.#next('nothing', 'no-source');
    // A suspect that cannot deliver alone does not clear the others: the next one is tried.
    const [suspect] = this.#suspects;
    if (suspect !== undefined) this.#exclude(suspect, 'it could not deliver the whole file alone');
    const possible = suspect !== undefined && (this.#suspects.length > 0 || this.#left(usable).length > 0);
    return this.#next(suspect === undefined ? 'nothing' : 'everything', possible ? undefined : 'mismatch');
  }

  #condemn(source: string, usable: readonly string[]): void {
    const times = this.#wrong.add(source);
    this.#suspects = this.#suspects.filter((id) => id !== source);
    const others = this.#left(usable).filter((id) => id !== source);
    if (others.length > 0 || times >= MAX_MISMATCHES) this.#exclude(source, 'its bytes have a wrong digest');
  }

  #exclude(source: string, reason: string): void {
    this.#suspects = this.#suspects.filter((id) => id !== source);
    this.#out.set(source, reason);
  }

  #left(usable: readonly string[]): string[] {
    return usable.filter((id) => !this.#out.has(id));
  }

  #takeSourcesOfOtherSize(): Set<string> {
    const readmit = new Set(this.#otherSize);
    this.#otherSize.clear();
    return readmit;
  }

  #next(
    discard: Decision['discard'],
    fail?: Decision['fail'],
    readmit: ReadonlySet<string> = new Set(),
  ): Decision {
    const verdict = { out: new Map(this.#out), only: this.#suspects[0], readmit };
    return fail === undefined ? { discard, verdict } : { discard, verdict, fail };
  }
}

class Counter {
  readonly #counts = new Map<string, number>();

  /** Counts one more; gives how many there are now. */
  add(key: string): number {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
}
