/** The selected patches of a split as the three upstream files have them. */
import { PATCH_BYTES, type TaskReporter, throwIfAborted } from '../core/index.js';
import type { Split } from '../dataset/index.js';
import type { PatchSelection } from '../selection/index.js';
import { type UpstreamFile, type UpstreamRow, upstreamFiles } from '../upstream/index.js';

/** Patches that are read together where they follow each other: 1.8 MB. */
const MOST_TOGETHER = 64;

export interface SplitContent {
  split: Split;
  selection: PatchSelection;
  task: TaskReporter;
  signal: AbortSignal;
}

export function filesOf(content: SplitContent): Generator<UpstreamFile, void, void> {
  const { split, selection } = content;
  const { indices } = selection;
  return upstreamFiles({
    split: split.name,
    count: indices.length,
    images: images(content),
    labels: Uint8Array.from(indices, (index) => split.labels[index]!),
    rows: split.meta && rows(split, indices),
  });
}

/** Patches whose indices follow each other are read at once. */
function* images({
  split,
  selection: { indices },
  task,
  signal,
}: SplitContent): Generator<Uint8Array, void, void> {
  for (let at = 0; at < indices.length; ) {
    throwIfAborted(signal);
    let n = 1;
    while (n < MOST_TOGETHER && at + n < indices.length && indices[at + n] === indices[at]! + n) n++;
    const pixels = split.readPatches(indices[at]!, indices[at]! + n);
    if (pixels.length !== n * PATCH_BYTES) throw new RangeError(`${pixels.length} bytes for ${n} patches`);
    yield pixels;
    at += n;
    task.progress({ done: at });
  }
}

/** Each row keeps the index that its patch has in the data set. */
function* rows(split: Split, indices: Uint32Array): Generator<UpstreamRow, void, void> {
  for (const index of indices) yield { index, ...split.meta!.row(index) };
}
