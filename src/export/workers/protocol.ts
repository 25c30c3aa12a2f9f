/** What the export and its workers tell each other. */
import type { PlainError } from '../../core/index.js';
import type { FileIdentity } from '../../fs/index.js';
import type { Manifest, SplitName } from '../../manifest/index.js';
import type { Recipe, ShardTask } from '../formats/index.js';
import type { FileRecord, ShardStatus } from '../output/index.js';
import type { SplitFacts } from './split-facts.js';

export interface WorkerSetup {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly out: string;
  readonly recipe: Recipe;
  /** Opened at once, while the main thread verifies the input. */
  readonly firstSplit: SplitName;
  /** One Int32, not 0 once the export is to stop: a busy worker receives no messages. */
  readonly stop: SharedArrayBuffer;
}

export interface Job {
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

export interface JobResult {
  readonly status: ShardStatus;
  readonly records: readonly FileRecord[];
  /** Files that one of the task's files lists. */
  readonly loose: readonly string[];
  /** Where the files are, when they were written, and what those of `records` were then. */
  readonly folder: string;
  readonly written: ReadonlyMap<string, FileIdentity>;
}

export type FromExporter =
  | { type: 'progress'; patches: number }
  | { type: 'done'; result: JobResult }
  | { type: 'failed'; error: PlainError };
