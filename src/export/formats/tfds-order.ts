/**
 * The order in which TFDS writes the records of its own patch_camelyon, and where it cuts them into shards.
 * https://github.com/tensorflow/datasets/blob/master/tensorflow_datasets/core/shuffle.py and writer.py
 */
import { hash } from 'node:crypto';
import type { SplitName } from '../../manifest/index.js';
import { HUB_SPLITS } from './sample.js';

const DIGEST_BYTES = 16;
/** Bytes of a digest that a float64 holds exactly. */
const EXACT_BYTES = 6;

/** The id that TFDS gives a patch: `train_17`. */
export function tfdsId(split: SplitName, index: number): string {
  return `${split}_${index}`;
}

/** Sorts by the MD5 of split name and id, as a big-endian number. @returns a new array */
export function tfdsOrder(split: SplitName, indices: Uint32Array): Uint32Array {
  const digests = Buffer.alloc(indices.length * DIGEST_BYTES);
  const keys = new Float64Array(indices.length);
  for (const [i, index] of indices.entries()) {
    const digest = hash('md5', `${HUB_SPLITS[split]}${tfdsId(split, index)}`, 'buffer');
    digest.copy(digests, i * DIGEST_BYTES);
    keys[i] = digest.readUIntBE(0, EXACT_BYTES);
  }
  const rest = (i: number) => digests.subarray(i * DIGEST_BYTES + EXACT_BYTES, (i + 1) * DIGEST_BYTES);
  const places = Uint32Array.from(indices.keys());
  places.sort((a, b) => keys[a]! - keys[b]! || Buffer.compare(rest(a), rest(b)));
  return places.map((place) => indices[place]!);
}

/** First patch of a shard: `round(patches * number / of)`, half to even as Python rounds. */
export function tfdsShardStart(patches: number, number: number, of: number): number {
  const twice = 2 * patches * number;
  const floor = Math.floor(twice / (2 * of));
  const remainder = twice - floor * 2 * of;
  return remainder > of || (remainder === of && floor % 2 === 1) ? floor + 1 : floor;
}
