/** Orders other than the file's in which a split is often read: what the scores of each would be of. */
import { hash } from 'node:crypto';
import type { SplitName } from '../manifest/index.js';
import { shufflePatches } from '../selection/index.js';

/** @returns names, as a sentence says them ("in the order of …"), and the patch that comes at each place */
export function* ordersOf(
  split: SplitName,
  labels: Uint8Array,
): Generator<{ name: string; patches: Uint32Array }> {
  const text = textOrder(labels.length);
  yield { name: 'file names sorted as text (test_1, test_10, test_100, …)', patches: text };
  yield {
    name: "class folders, as torchvision's ImageFolder reads them",
    patches: byClass(inFile(labels.length), labels),
  };
  yield { name: 'class folders with file names sorted as text', patches: byClass(text, labels) };
  const shuffled = inFile(labels.length);
  shufflePatches(shuffled, split, 0);
  yield { name: 'a shuffled export with seed 0', patches: shuffled };
  const disk = tfdsOrder(split, labels.length);
  yield { name: "TFDS's files on the disk", patches: disk };
  yield { name: 'tfds.load', patches: interleaved(disk) };
}

function inFile(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, patch) => patch);
}

/** 0, 1, 10, 100, 1000, …, 2, 20, …: names without leading zeros. */
function textOrder(count: number): Uint32Array {
  const patches = new Uint32Array(count);
  let at = 0;
  const visit = (number: number) => {
    if (number >= count) return;
    patches[at++] = number;
    if (number > 0) for (let digit = 0; digit < 10; digit++) visit(number * 10 + digit);
  };
  for (let digit = 0; digit < 10; digit++) visit(digit);
  return patches;
}

function byClass(patches: Uint32Array, labels: Uint8Array): Uint32Array {
  const of = (label: number) => patches.filter((patch) => labels[patch] === label);
  return Uint32Array.from([...of(0), ...of(1)]);
}

const TFDS_SPLITS: Record<SplitName, string> = { train: 'train', valid: 'validation', test: 'test' };
/** Records of a file of TFDS, files that it reads in turn, and records of each at a time. */
const TFDS_FILE = 4096;
const CYCLE = 16;
const BLOCK = 16;

/** By the MD5 of the split's name and the record's id: tensorflow_datasets/core/shuffle.py and hashing.py. */
function tfdsOrder(split: SplitName, count: number): Uint32Array {
  const keys = Array.from({ length: count }, (_, patch) =>
    hash('md5', `${TFDS_SPLITS[split]}${split}_${patch}`),
  );
  return inFile(count).sort((a, b) => (keys[a]! < keys[b]! ? -1 : 1));
}

/** As tf.data interleaves files: a place in the cycle whose file has ended goes to the next file. */
function interleaved(patches: Uint32Array): Uint32Array {
  const files = Math.max(1, Math.ceil(patches.length / TFDS_FILE));
  const cuts = Array.from({ length: files + 1 }, (_, file) => roundHalfEven((patches.length * file) / files));
  const cycle: ({ at: number; end: number } | undefined)[] = [];
  const read = new Uint32Array(patches.length);
  let [next, done] = [0, 0];
  for (let turn = 0; done < patches.length; turn = (turn + 1) % CYCLE) {
    if (!cycle[turn] && next < files) cycle[turn] = { at: cuts[next]!, end: cuts[++next]! };
    const file = cycle[turn];
    if (!file) continue;
    const end = Math.min(file.at + BLOCK, file.end);
    if (end < file.at + BLOCK) cycle[turn] = undefined;
    for (; file.at < end; file.at++) read[done++] = patches[file.at]!;
  }
  return read;
}

/** As Python rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
