/** How fast one connection of each source is, as far as this file has shown. */

/** Less than this in less than that (ms) says more of the buffers on the way than of the way. */
const TELLING_BYTES = 128 * 1024;
const TELLING_MS = 200;

export class Speeds {
  readonly #bySource = new Map<string, number>();
  readonly #latencies = new Map<string, number>();
  readonly #silent = new Set<string>();

  /** Bytes per second of one connection; undefined before anything came. */
  of(source: string): number | undefined {
    return this.#bySource.get(source);
  }

  /** Of the fastest source. */
  get best(): number | undefined {
    return this.#bySource.size === 0 ? undefined : Math.max(...this.#bySource.values());
  }

  /** Seconds from a request to its first byte; 0 before there was one. */
  latency(source: string): number {
    return this.#latencies.get(source) ?? 0;
  }

  /** The last that was heard of the source is silence. */
  isSilent(source: string): boolean {
    return this.#silent.has(source);
  }

  silent(source: string): void {
    this.#silent.add(source);
  }

  heard(source: string): void {
    this.#silent.delete(source);
  }

  /** A whole reply of a source, from the request to the last byte; the last observations count most. */
  observeReply(source: string, bytes: number, { latency, body }: { latency: number; body: number }): void {
    this.#latencies.set(source, mean(this.#latencies.get(source), latency / 1000));
    this.observe(source, bytes, body);
    // Of small replies it can only be said what they came to, the wait included. Better than nothing.
    if (bytes > 0 && this.of(source) === undefined)
      this.#bySource.set(source, bytes / ((latency + body + 1) / 1000));
  }

  /** Bytes that came in a time (ms) without a wait for the first of them. */
  observe(source: string, bytes: number, ms: number): void {
    if (bytes < TELLING_BYTES && (ms < TELLING_MS || bytes === 0)) return;
    this.#bySource.set(source, mean(this.#bySource.get(source), bytes / Math.max(0.001, ms / 1000)));
  }
}

function mean(before: number | undefined, now: number): number {
  return before === undefined ? now : (before + now) / 2;
}
