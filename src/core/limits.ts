/** The range of every numeric option, for the library and the command line alike. */
import { PcamError } from './errors.js';
import { formatInteger } from './text.js';

export interface Limit {
  readonly least: number;
  readonly most: number;
}

export const LIMITS = {
  /** Concurrent requests per source. */
  connections: { least: 1, most: 64 },
  /** Files in progress at the same time. */
  jobs: { least: 1, most: 64 },
  /** Threads. */
  workers: { least: 1, most: 256 },
  /** Patches per shard. */
  shardSize: { least: 1, most: Number.MAX_SAFE_INTEGER },
  /** Patches of a synthetic split. */
  fixturePatches: { least: 2, most: 1_000_000 },
  /** Rows or columns of a contact sheet, and pixels of the picture per pixel of a patch. */
  sheet: { least: 1, most: 128 },
  scale: { least: 1, most: 32 },
  /** Patches of a sample. */
  patches: { least: 1, most: Number.MAX_SAFE_INTEGER },
  seed: { least: 0, most: Number.MAX_SAFE_INTEGER },
} as const satisfies Record<string, Limit>;

export function withinLimit(value: number, { least, most }: Limit): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

/** `a whole number from 1 to 64`, `a whole number, 0 or more`. */
export function describeLimit({ least, most }: Limit): string {
  return most === Number.MAX_SAFE_INTEGER
    ? `a whole number, ${least} or more`
    : `a whole number from ${least} to ${formatInteger(most)}`;
}

/**
 * @param name the option as the library calls it
 * @throws PcamError USAGE
 */
export function requireWithin(name: string, value: number, limit: Limit): void {
  if (withinLimit(value, limit)) return;
  throw new PcamError('USAGE', `${name} must be ${describeLimit(limit)}, not ${value}`);
}
