/** Every default in one place. */
import { availableParallelism } from 'node:os';

export const DEFAULTS = {
  /** The data set folder. */
  dir: 'pcam',
  /** Most parallel requests a source. Zenodo has blocked addresses with more than about four. */
  connections: 4,
  /** Files in progress at the same time. */
  jobs: 3,
  /** Patches per shard, unless a format has its own number. */
  shardSize: 2048,
  /** The file of a report. */
  report: 'report.html',
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

export function defaultWorkers(): number {
  return availableParallelism();
}
