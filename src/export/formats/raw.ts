/** NumPy arrays that can be mapped into memory: pixels and labels, in shards or one pair a split. */
import { DEFAULTS } from '../../core/index.js';
import { npyHeader } from '../encode/index.js';
import { BATCH, cutShards, digits, labelsOf } from './sample.js';
import type { ExportFormat, Recipe, ShardOutput, ShardSource, ShardTask } from './types.js';

const shared = {
  format: 'raw',
  revision: 1,
  workers: 8,
  bytesPerPatch: ({ side }: { side: number }) => side * side * 3 + 10,
  write: writeArrays,
} as const;

export const rawShards: ExportFormat = {
  ...shared,
  layout: 'shards',
  summary: "NumPy shards: pixels and labels apart, for np.load(..., mmap_mode='r')",
  shardSize: DEFAULTS.shardSize,
  plan: ({ split, recipe }) =>
    cutShards({
      split,
      shardSize: recipe.shardSize,
      files: (number) =>
        arraysOf(recipe).map((array) => ({ file: `pcam-${split.split}-${array}-${digits(number)}.npy` })),
    }),
};

export const rawFolder: ExportFormat = {
  ...shared,
  layout: 'folder',
  summary: 'NumPy: one <split>-x.npy and <split>-y.npy per split',
  shardSize: null,
  plan: ({ split, recipe }) =>
    cutShards({
      split,
      shardSize: recipe.shardSize,
      files: () => arraysOf(recipe).map((array) => ({ file: `${split.split}-${array}.npy` })),
    }),
};

/** Selected patches need their indices beside them; otherwise the place is the index. */
function arraysOf({ selection }: Recipe): string[] {
  return selection ? ['x', 'y', 'index'] : ['x', 'y'];
}

/** x: uint8, shape (n, side, side, 3). y: uint8, shape (n). index: int64, shape (n), of selected patches. */
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
  y.write(labelsOf(source, start, end));
  if (!source.order) return;
  const index = output.create(files[2]!.file);
  index.write(npyHeader([end - start], '<i8'));
  index.write(int64(source.order.subarray(start, end)));
}

/** Little-endian, whatever the machine. */
function int64(values: Uint32Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8 * values.length));
  values.forEach((value, i) => {
    bytes.setBigInt64(8 * i, BigInt(value), true);
  });
  return new Uint8Array(bytes.buffer);
}
