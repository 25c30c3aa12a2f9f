/** The scores of a file as one value from 0 to 1 per patch, for those who show them beside the patches. */
import type { Manifest, SplitName } from '../manifest/index.js';
import { readScores } from './input/read.js';
import { modelOf } from './model.js';
import { chooseSplit } from './score.js';
import { openTruth } from './truth.js';

interface ScoresPerPatch {
  readonly split: SplitName;
  /** Shape (patches): probabilities of tumor; decisions as 0 and 1; bare scores stretched over 0 to 1. */
  readonly values: Float64Array;
}

/** @throws PcamError as `score` does */
export async function scoresPerPatch(request: {
  file: string;
  dir: string;
  manifest: Manifest;
  /** Of several that the rows name. @default the only one, or test */
  split?: SplitName;
  signal?: AbortSignal;
}): Promise<ScoresPerPatch> {
  const rows = await readScores(request);
  const split = chooseSplit(rows, request);
  const folder = await openTruth({ ...request, splits: [split] });
  const truth = await folder.truth(split);
  const { kind, values } = await modelOf({ rows, truth, digests: folder.digests, valid: null });
  return { split, values: kind === 'score' ? stretched(values) : values };
}

function stretched(values: Float64Array): Float64Array {
  const min = values.reduce((a, b) => Math.min(a, b));
  const max = values.reduce((a, b) => Math.max(a, b));
  return values.map((value) => (max === min ? 0.5 : (value - min) / (max - min)));
}
