/** NumPy arrays that can be mapped into memory: pixels and labels, in shards or one pair a split. */
import { DEFAULTS } from '../../core/index.js';
import { npyHeader } from '../encode/index.js';
import { BATCH, cutShards, digits } from './sample.js';
import type { ExportFormat, ShardOutput, ShardSource, ShardTask } from './types.js';

const shared = {
  format: 'raw',
  revision: 1,
  indexes: [],
  workers: 8,
  bytesPerPatch: ({ side }: { side: number }) => side * side * 3 + 2,
  write: writeArrays,
} as const;

export const rawShards: ExportFormat = {
  ...shared,
  layout: 'shards',
  summary: "NumPy shards: pixels and labels apart, for np.load(..., mmap_mode='r')",
  shardSize: DEFAULTS.shardSize,
  plan: ({ split, recipe: { shardSize } }) =>
    cutShards({
      split,
      shardSize,
      files: (number) =>
        ['x', 'y'].map((array) => ({ file: `pcam-${split.split}-${array}-${digits(number)}.npy` })),
    }),
};

export const rawFolder: ExportFormat = {
  ...shared,
  layout: 'folder',
  summary: 'NumPy: one <split>-x.npy and <split>-y.npy a split',
  shardSize: null,
  plan: ({ split, recipe: { shardSize } }) =>
    cutShards({
      split,
      shardSize,
      files: () => ['x', 'y'].map((array) => ({ file: `${split.split}-${array}.npy` })),
    }),
};

/** x: uint8, shape (n, side, side, 3). y: uint8, shape (n). */
function writeArrays({
  task: { start, end, files },
  source,
  output,
}: {
  task: ShardTask;
  source: ShardSource;
  output: ShardOutput;
}): void {
  const x = output.create(files[0]!.file);
  x.write(npyHeader([end - start, source.side, source.side, 3]));
  for (const batch of source.batches(BATCH)) x.write(batch.pixels);
  const y = output.create(files[1]!.file);
  y.write(npyHeader([end - start]));
  y.write(source.labels.subarray(start, end));
}
