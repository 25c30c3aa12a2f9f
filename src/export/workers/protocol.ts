/** Input and result of the job that writes a shard. */
import type { FileIdentity } from '../../fs/index.js';
import type { Manifest } from '../../manifest/index.js';
import type { Recipe, ShardTask } from '../formats/index.js';
import type { FileRecord, ShardStatus } from '../output/index.js';
import type { SplitFacts } from './split-facts.js';

/** The same for all shards of an export. */
export interface ShardSetup {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly out: string;
  readonly recipe: Recipe;
}

export interface ShardJob {
  readonly task: ShardTask;
  /** The records of the task's files, when all of them have been written before. */
  readonly known: readonly FileRecord[] | undefined;
  /** Labels and meta rows of the task's split. */
  readonly facts: SplitFacts;
  /** Directory for files that have no final name yet. */
  readonly temporary: string;
  /** Where the task's patches were put in their order; with `whole`, those of all of the split's tasks. */
  readonly staged?: { readonly path: string; readonly whole: boolean };
}

export interface ShardResult {
  readonly status: ShardStatus;
  readonly records: readonly FileRecord[];
  /** Files that one of the task's files lists. */
  readonly loose: readonly string[];
  /** Where the files are, when they were written, and what those of `records` were then. */
  readonly folder: string;
  readonly written: ReadonlyMap<string, FileIdentity>;
}
