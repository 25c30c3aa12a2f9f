/** The job of an export's worker: checks or writes one shard. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { arrayOf, openImages } from '../../dataset/index.js';
import type { Manifest } from '../../manifest/index.js';
import type { Job } from '../../threads/index.js';
import { findFormat, type Recipe, type ShardTask } from '../formats/index.js';
import { type FileRecord, ShardFiles, type TemporaryFile } from '../output/index.js';
import { areRight } from './shard-check.js';
import { sourceOf } from './source.js';
import type { SplitFacts } from './split-facts.js';

export interface ShardJob {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly out: string;
  readonly recipe: Recipe;
  readonly task: ShardTask;
  /** The records of the task's files, when all of them have been written before. */
  readonly known: readonly FileRecord[] | undefined;
  /** Labels, meta rows and order of the task's split. */
  readonly facts: SplitFacts;
  /** This run's directory for files that have no final name yet. */
  readonly temporary: string;
  /** A file of the task's patches in their order; with `whole`, of the patches of all tasks of the split. */
  readonly staged?: { readonly path: string; readonly whole: boolean };
}

export type ShardStatus = 'written' | 'present';

export interface ShardResult {
  readonly status: ShardStatus;
  readonly records: readonly FileRecord[];
  /** The files that were written, in the order in which they are to get their names. */
  readonly temporaries: readonly TemporaryFile[];
}

/** Reports numbers of patches. */
export const shardJob: Job<ShardJob, ShardResult, number> = {
  name: 'shard',
  doing: ({ out }) => `exporting to ${out}`,
  async run(job, { report }) {
    const { task, known, out } = job;
    if (!known || !(await areRight(out, known))) return await writeShard(job, report);
    report(task.end - task.start);
    return { status: 'present', records: known, temporaries: [] };
  },
};

async function writeShard(
  { dir, manifest, recipe, task, facts, temporary, staged }: ShardJob,
  onPatches: (patches: number) => void,
): Promise<ShardResult> {
  const output = new ShardFiles(join(temporary, `${task.split}-${task.number}`));
  const images = await openImages(arrayOf({ dir, manifest, split: task.split, kind: 'images' }));
  const fd = staged && openSync(staged.path, 'r');
  try {
    const source = sourceOf({
      ...{ images, facts, task, recipe, onPatches },
      staged: fd === undefined ? undefined : { fd, whole: staged!.whole },
    });
    await findFormat(recipe.format, recipe.layout).write({ task, recipe, source, output });
    const { written, temporaries } = output.finish();
    const contents = { files: output.looseFiles, bytes: output.looseBytes };
    const records = written.map(({ file, bytes, sha256 }): FileRecord => {
      const side = task.files.find((planned) => planned.file === file)?.side ?? false;
      const [start, patches] = side ? [0, 0] : [task.start, task.end - task.start];
      const record = { file, split: task.split, side, start, patches, bytes, sha256 };
      return contents.files > 0 ? { ...record, contents } : record;
    });
    return { status: 'written', records, temporaries };
  } finally {
    output.abandon();
    images.close();
    if (fd !== undefined) closeSync(fd);
  }
}
