/** The job of an export's worker: checks or writes one shard. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { arrayOf, openImages } from '../../dataset/index.js';
import type { Job } from '../../threads/index.js';
import { findFormat } from '../formats/index.js';
import { type FileRecord, ShardFiles } from '../output/index.js';
import type { ShardJob, ShardResult, ShardSetup } from './protocol.js';
import { areRight } from './shard-check.js';
import { PatchMemory, sourceOf } from './source.js';

/** Reports numbers of patches. */
export const shardJob: Job<ShardSetup & ShardJob, ShardResult, number> = {
  name: 'shard',
  doing: ({ out }) => `exporting to ${out}`,
  async run(input, { report }) {
    const { task, known, out } = input;
    if (!known || !(await areRight(out, known))) return writeShard(input, report);
    report(task.end - task.start);
    return { status: 'present', records: known, loose: [], folder: '', written: new Map() };
  },
};

async function writeShard(
  { dir, manifest, recipe, task, facts, temporary, staged }: ShardSetup & ShardJob,
  onPatches: (patches: number) => void,
): Promise<ShardResult> {
  const folder = join(temporary, `${task.split}-${task.number}`);
  const files = new ShardFiles(folder);
  const images = await openImages(arrayOf({ dir, manifest, split: task.split, kind: 'images' }));
  const fd = staged && openSync(staged.path, 'r');
  try {
    const source = sourceOf({
      ...{ images, facts, task, recipe, onPatches },
      memory: new PatchMemory(),
      staged: fd === undefined ? undefined : { fd, whole: staged!.whole },
    });
    await findFormat(recipe.format, recipe.layout).write({ task, recipe, source, output: files });
    const written = files.finish();
    const contents = { files: files.loosePaths.length, bytes: files.looseBytes };
    const records = written.map(({ file, bytes, sha256 }): FileRecord => {
      const side = task.files.find((planned) => planned.file === file)?.side ?? false;
      const [start, patches] = side ? [0, 0] : [task.start, task.end - task.start];
      const record = { file, split: task.split, side, start, patches, bytes, sha256 };
      return contents.files > 0 ? { ...record, contents } : record;
    });
    const identities = new Map(written.map(({ file, identity }) => [file, identity]));
    return { status: 'written', records, loose: files.loosePaths, folder, written: identities };
  } finally {
    files.abandon();
    images.close();
    if (fd !== undefined) closeSync(fd);
  }
}
