/** Every default, and the range of every numeric option: for the library and the command line alike. */
import { availableParallelism } from 'node:os';
import { PcamError } from './errors.js';
import { formatInteger } from './text.js';

export const DEFAULTS = {
  /** The data set folder. */
  dir: 'pcam',
  /** Maximum concurrent requests per source. Zenodo has blocked addresses with more than about four. */
  connections: 4,
  /** Files in progress at the same time. */
  jobs: 3,
  /** Patches per shard, unless a format has its own number. */
  shardSize: 2048,
  /** The file of a report. */
  report: 'report.html',
  /** Resamples of the interval of a metric. */
  bootstrap: 1000,
  /** Rows and columns of a contact sheet, and px of the picture per px of a patch. */
  preview: { rows: 4, cols: 8, scale: 2 },
  /** Patches per split of a fixture, and its seed. */
  fixture: { train: 512, valid: 128, test: 128, seed: 1 },
  /** A connection that is not made in this time has failed (ms). */
  connectTimeout: 15_000,
  /** A reply whose headers take longer has failed (ms). */
  headersTimeout: 30_000,
  /** A body that delivers fewer than `stallBytes` in this time has stalled (ms). */
  stallTimeout: 20_000,
  stallBytes: 1024,
  /** Failures in a row, with no progress between them, before a source is dropped. */
  retries: 5,
  /** First pause of a source that failed, doubled each time up to the longest (ms). */
  firstPause: 500,
  longestPause: 30_000,
  /** Longest that a file waits for a paused source when no other one can deliver it (ms). */
  patience: 120_000,
} as const;

/** Proxy URLs as curl and most tools read them; lower case wins. */
export interface ProxySettings {
  http?: string;
  https?: string;
  /** Hosts that are asked directly: a list with commas, `*` for all. */
  no?: string;
}

/** Path of the certificates that Node.js trusts besides its own, whoever starts it. */
export function nodeExtraCertificates(): string | undefined {
  return process.env.NODE_EXTRA_CA_CERTS || undefined;
}

export function defaultWorkers(): number {
  return availableParallelism();
}

export interface Limit {
  readonly min: number;
  readonly max: number;
}

export const LIMITS = {
  /** Concurrent requests per source. */
  connections: { min: 1, max: 64 },
  /** Files in progress at the same time. */
  jobs: { min: 1, max: 64 },
  /** Threads. */
  workers: { min: 1, max: 256 },
  /** Patches per shard. */
  shardSize: { min: 1, max: Number.MAX_SAFE_INTEGER },
  /** Patches of a synthetic split. */
  fixturePatches: { min: 2, max: 1_000_000 },
  /** Rows or columns of a contact sheet, and pixels of the picture per pixel of a patch. */
  sheet: { min: 1, max: 128 },
  scale: { min: 1, max: 32 },
  /** Patches of a sample. */
  patches: { min: 1, max: Number.MAX_SAFE_INTEGER },
  /** Resamples of the interval of a metric; 0: no intervals. */
  bootstrap: { min: 0, max: 100_000 },
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER },
  /** A TCP port; 0: a free one. */
  port: { min: 0, max: 65_535 },
} as const satisfies Record<string, Limit>;

export function withinLimit(value: number, { min, max }: Limit): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}

/** `a whole number from 1 to 64`, `a whole number, 0 or more`. */
export function describeLimit({ min, max }: Limit): string {
  return max === Number.MAX_SAFE_INTEGER
    ? `a whole number, ${min} or more`
    : `a whole number from ${min} to ${formatInteger(max)}`;
}

/**
 * @param name the option as the library calls it
 * @throws PcamError USAGE
 */
export function requireWithin(name: string, value: number, limit: Limit): void {
  if (withinLimit(value, limit)) return;
  throw new PcamError('USAGE', `${name} must be ${describeLimit(limit)}, not ${value}`);
}
