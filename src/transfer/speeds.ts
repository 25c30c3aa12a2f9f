/** How fast one connection of each source is, as far as this file has shown. */

/** Smaller and shorter samples (ms) measure socket buffers, not the network. */
const MIN_SAMPLE_BYTES = 128 * 1024;
const MIN_SAMPLE_MS = 200;

export class Speeds {
  readonly #speeds = new Map<string, number>();
  readonly #latencies = new Map<string, number>();
  readonly #silent = new Set<string>();

  /** Bytes per second of one connection; undefined before anything came. */
  of(source: string): number | undefined {
    return this.#speeds.get(source);
  }

  /** Bytes per second of one connection of the fastest source. */
  get best(): number | undefined {
    return this.#speeds.size === 0 ? undefined : Math.max(...this.#speeds.values());
  }

  /** Seconds from a request to its first byte; 0 before there was one. */
  latency(source: string): number {
    return this.#latencies.get(source) ?? 0;
  }

  isSilent(source: string): boolean {
    return this.#silent.has(source);
  }

  setSilent(source: string, silent: boolean): void {
    if (silent) this.#silent.add(source);
    else this.#silent.delete(source);
  }

  /** A whole reply: ms until its headers, and ms of its body. */
  observeReply(source: string, bytes: number, { latency, body }: { latency: number; body: number }): void {
    this.#latencies.set(source, mean(this.#latencies.get(source), latency / 1000));
    this.observe(source, bytes, body);
    // For small replies only their total time is known: a bad estimate, but better than none.
    if (bytes > 0 && this.of(source) === undefined)
      this.#speeds.set(source, bytes / ((latency + body + 1) / 1000));
  }

  /** Bytes of a body that came within some ms. */
  observe(source: string, bytes: number, ms: number): void {
    if (bytes < MIN_SAMPLE_BYTES && (ms < MIN_SAMPLE_MS || bytes === 0)) return;
    this.#speeds.set(source, mean(this.#speeds.get(source), bytes / Math.max(0.001, ms / 1000)));
  }
}

/** Recent observations count most. */
function mean(before: number | undefined, now: number): number {
  return before === undefined ? now : (before + now) / 2;
}
