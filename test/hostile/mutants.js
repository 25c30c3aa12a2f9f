/**
 * One process of the HDF5 fuzz: makes sound files in several layouts, damages copies of them, and reads each copy as a
 * user would. Says over IPC which mutant it is at before it reads it, so that its parent can tell which one hung.
 *
 *     fork('mutants.js', [folder, seed, first, last])
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PcamError } from '#pcam/core/errors.js';
import { Random } from '#pcam/core/random.js';
import { readPlace } from '#pcam/dataset/hdf5-chunks.js';
import { openSplit } from '#pcam/dataset/split.js';

import { hdf5File } from '#pcam/upstream/hdf5-writer.js';
import { deepCheck } from '#pcam/verify/deep.js';

const N = 4;
const PATCH = 96 * 96 * 3;
const ALLOWED = ['BAD_HDF5', 'BAD_DATA', 'MISSING'];
/** A deep check starts a thread, so only some mutants get one. */
const DEEP_EVERY = 40;

const [folder, seed, first, last] = process.argv.slice(2).map((word, i) => (i === 0 ? word : Number(word)));

async function main() {
  const sound = { images: await soundImages(), labels: await soundLabels() };
  mkdirSync(join(folder, 'data'), { recursive: true });
  const paths = { images: join(folder, 'data', 'x.h5'), labels: join(folder, 'data', 'y.h5') };
  for (let i = first; i < last; i++) {
    const random = new Random(seed, i);
    const kind = random.chance(0.6) ? 'images' : 'labels';
    const layouts = Object.keys(sound[kind]);
    const layout = layouts[random.integer(0, layouts.length)];
    for (const other of ['images', 'labels']) writeFileSync(paths[other], sound[other].contiguous);
    writeFileSync(paths[kind], mutate(sound[kind][layout], random));
    await say({ at: i, what: `${kind} ${layout}` });
    const manifest = manifestOf(random.chance(0.5));
    const began = performance.now();
    const { outcome, wrong } = await read(manifest);
    readPlace(paths[kind], kind === 'images' ? 'x' : 'y'); // never throws
    const failed = wrong ?? (i % DEEP_EVERY === 0 ? await deepProblem(manifest) : undefined);
    await say({ at: i, outcome, failed, ms: performance.now() - began, rss: process.memoryUsage.rss() });
  }
  // Whatever the mutants did, a sound file is read as before.
  for (const kind of ['images', 'labels']) writeFileSync(paths[kind], sound[kind].contiguous);
  const after = await read(manifestOf(true));
  await say({ done: true, failed: after.outcome === 'right' ? undefined : `afterwards: ${after.outcome}` });
  process.disconnect();
}

async function read(manifest) {
  try {
    const split = await openSplit({ dir: join(folder, 'data'), manifest, split: 'test' });
    try {
      const images = split.readPatches(0, split.count);
      const sane =
        images.length === split.count * PATCH &&
        split.labels.length === split.count &&
        split.labels.every((label) => label <= 1);
      return sane
        ? { outcome: 'right' }
        : { outcome: 'nonsense', wrong: 'a split that does not fit together' };
    } finally {
      split.close();
    }
  } catch (error) {
    if (error instanceof PcamError && ALLOWED.includes(error.code)) return { outcome: error.code };
    return { outcome: 'other', wrong: String(error?.stack ?? error) };
  }
}

async function deepProblem(manifest) {
  const findings = await deepCheck({
    dir: join(folder, 'data'),
    manifest,
    splits: ['test'],
    timeout: 20_000,
  });
  const bad = findings.find(({ code }) => code === 'CHECK_FAILED' || code === 'INTERNAL');
  return bad && `deep check: ${bad.message}`;
}

function manifestOf(withShape) {
  const entry = (name, kind, path, shape) => ({
    name,
    split: 'test',
    kind,
    md5: '0'.repeat(32),
    array: withShape ? { path, shape } : undefined,
  });
  return {
    dataset: 'fuzz',
    citation: [],
    sources: [],
    files: [entry('x.h5', 'images', 'x', [N, 96, 96, 3]), entry('y.h5', 'labels', 'y', [N, 1, 1, 1])],
  };
}

function pixels() {
  const random = new Random(1);
  return Uint8Array.from({ length: N * PATCH }, (_, i) => (i % 2 ? i % 251 : random.integer(0, 256)));
}

async function soundImages() {
  const shape = [N, 96, 96, 3];
  const array = { name: 'x', shape, data: pixels(), dtype: '<B' };
  return {
    contiguous: await contiguous('x', shape, pixels()),
    chunked: await written({ ...array, chunks: [1, 96, 96, 3] }),
    'small chunks': await written({ ...array, chunks: [3, 24, 24, 1] }),
    gzip: await written({ ...array, chunks: [1, 96, 96, 3], compression: 4 }),
    'shared gzip': await written({ ...array, chunks: [3, 48, 96, 3], compression: 1 }),
    growing: await written({ ...array, chunks: [2, 96, 96, 3], maxshape: [null, 96, 96, 3] }),
  };
}

async function soundLabels() {
  const shape = [N, 1, 1, 1];
  return {
    contiguous: await contiguous('y', shape, Uint8Array.of(0, 1, 1, 0)),
    int64: await written({ name: 'y', shape, data: BigInt64Array.of(0n, 1n, 1n, 0n), dtype: '<q' }),
    gzip: await written({
      name: 'y',
      shape,
      data: Int32Array.of(0, 1, 1, 0),
      dtype: '<i',
      chunks: [2, 1, 1, 1],
      compression: 4,
    }),
  };
}

async function contiguous(name, shape, data) {
  const parts = [];
  for await (const part of hdf5File({ name, shape }, [data])) parts.push(part);
  return Buffer.concat(parts);
}

async function written(array) {
  const { File, ready } = await import('h5wasm/node');
  await ready;
  const path = join(folder, 'sound.h5');
  const file = new File(path, 'w');
  file.create_dataset(array);
  file.close();
  return readFileSync(path);
}

const SIGNATURES = ['\x89HDF', 'TREE', 'SNOD', 'HEAP', 'OHDR', 'OCHK', 'FRHP', 'BTHD', 'FADB', 'EAHD'];

/** Offsets where the structure of a file stands, found by the signatures of its blocks. */
function structure(bytes) {
  return SIGNATURES.flatMap((signature) => {
    const places = [];
    for (
      let at = bytes.indexOf(signature, 0, 'latin1');
      at >= 0;
      at = bytes.indexOf(signature, at + 1, 'latin1')
    )
      places.push(at);
    return places;
  });
}

function mutate(sound, random) {
  let bytes = Buffer.from(sound);
  const places = structure(bytes);
  const pick = () => {
    if (random.chance(0.4)) return random.integer(0, Math.min(2048, bytes.length));
    const near = random.chance(0.85)
      ? places[random.integer(0, places.length)]
      : random.integer(0, bytes.length);
    return Math.min(bytes.length - 1, near + random.integer(0, 600));
  };
  for (let n = random.integer(1, 6); n > 0; n--) bytes = mutateOnce(bytes, pick(), random);
  return bytes;
}

function mutateOnce(bytes, at, random) {
  const length = Math.min(random.integer(1, 64), bytes.length - at);
  switch (random.integer(0, 10)) {
    case 0:
    case 1:
      bytes[at] ^= 1 << random.integer(0, 8);
      return bytes;
    case 2:
      bytes[at] = random.integer(0, 256);
      return bytes;
    case 3:
      bytes.fill(random.chance(0.5) ? 0 : 0xff, at, at + length);
      return bytes;
    case 4: {
      const from = random.integer(0, bytes.length - length + 1);
      bytes.copy(bytes, at, from, from + length);
      return bytes;
    }
    case 5:
      if (random.chance(0.6)) return bytes;
      return bytes.subarray(0, Math.max(1, random.chance(0.5) ? at : random.integer(1, bytes.length)));
    case 6:
      if (random.chance(0.6)) return bytes;
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    default:
      return number(bytes, at, random);
  }
}

/** Writes a number that lengths, shapes, chunk sizes, counts and addresses have no right to be. */
function number(bytes, at, random) {
  const width = [1, 2, 4, 8][random.integer(0, 4)];
  const aligned = at - (at % width);
  if (aligned + width > bytes.length) return bytes;
  const values = [
    0n,
    1n,
    0x7fn,
    0xffffn,
    0x7fff_ffffn,
    0x8000_0000n,
    0xffff_ffffn,
    0x1_0000_0000n,
    0x7fff_ffff_ffff_ffffn,
    0xffff_ffff_ffff_ffffn,
    0xffff_ffff_ffff_fffen,
    BigInt(bytes.length),
    BigInt(bytes.length - 1),
    BigInt(aligned), // an address that leads to itself
    BigInt(random.integer(0, bytes.length)),
    BigInt(random.integer(0, 2048)) * 8n,
  ];
  let value = values[random.integer(0, values.length)];
  for (let i = 0; i < width; i++, value >>= 8n) bytes[aligned + i] = Number(value & 0xffn);
  return bytes;
}

function say(message) {
  return new Promise((resolve) => process.send(message, resolve));
}

await main();
