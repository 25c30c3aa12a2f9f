/**
 * The commit protocol, explored: the real code of src/fs and src/store on a disk in memory. One run is stopped before
 * each of its steps in turn, another takes over, is stopped or killed at each of its own, the first one wakes up,
 * and a third one comes. After every change of the disk: a final name holds right bytes, and a receipt is true.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OwnedLayout } from '#pcam/store/layout.js';
import { withDataFolder } from '#pcam/store/owned.js';
import { OwnedPartStore } from '#pcam/store/part-store.js';
import { Receipts } from '#pcam/store/receipts.js';
import { TestClock } from '../support/clock.js';
import { plainFile } from '../support/files.js';
import { MemoryDisk, type Process, runAs } from './memory-disk.js';

const HOUR = 3_600_000;
const RIGHT = Buffer.from('right-bytes!');
const WRONG = Buffer.from('wrong-bytes!');
const { file } = plainFile('part.csv', RIGHT);
const MD5 = createHash('md5').update(RIGHT).digest('hex');
const DIR = '/model/pcam';
const FINALS = [file.name, 'unpacked.h5'];

let disk = new MemoryDisk();
let unmount = () => {};
beforeAll(() => {
  unmount = MemoryDisk.mount(() => disk);
});
afterAll(() => unmount());

/**
 * A run that can be stopped at its n-th point, woken up, or left there for good, as if it had been killed. There is a
 * point before and after each step that changes the disk: what a run reads in between, it reads at one or the other.
 */
class Actor implements Process {
  points = 0;
  #changed = false;
  stopAt = Number.POSITIVE_INFINITY;
  stopped: Promise<void>;
  #stop!: () => void;
  #wake: () => void = () => {};

  constructor(readonly name: string) {
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  async beforeStep(changes: boolean): Promise<void> {
    const isPoint = changes || this.#changed;
    this.#changed = changes;
    if (!isPoint || this.points++ !== this.stopAt) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#stop();
    });
  }

  /** On to the end, or to another stop. */
  wake(stopAt = Number.POSITIVE_INFINITY): void {
    this.stopAt = stopAt;
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
    this.#wake();
  }
}

/** What a download does to its folder: a file that is committed from its part, and one from a temporary. */
async function download({ bad }: { bad: boolean }): Promise<void> {
  await withDataFolder({ dir: DIR, command: 'download', clock: new TestClock() }, async (paths) => {
    const receipts = await Receipts.load(paths.receipts, paths.workspace);
    await fromPart(paths, receipts, bad);
    await fromTemporary(paths, receipts);
  });
}

async function fromPart(paths: OwnedLayout, receipts: Receipts, bad: boolean): Promise<void> {
  const parts = new OwnedPartStore(paths);
  for (const bytes of bad ? [WRONG, RIGHT] : [RIGHT]) {
    const part = await parts.open(file);
    try {
      for (const { start, end } of part.done.gaps({ start: 0, end: RIGHT.length })) {
        const middle = (start + end) >> 1;
        await part.write(start, bytes.subarray(start, middle), 'web');
        await part.write(middle, bytes.subarray(middle, end), 'web');
      }
      await part.settle();
      const read = await open(part.path, constants.O_RDONLY);
      const md5 = createHash('md5')
        .update(await read.readFile())
        .digest('hex');
      const digested = await read.stat({ bigint: true });
      await read.close();
      if (md5 !== MD5) {
        await parts.discard(file);
        continue;
      }
      const temporary = await paths.workspace.take(part.path, digested);
      const cleanUp = () => parts.discard(file);
      const stats = await paths.workspace.commit(temporary, paths.final(file.name), { digested, cleanUp });
      return await receipts.record(file.name, stats, { md5 });
    } finally {
      await part.close();
    }
  }
}

async function fromTemporary({ workspace, final }: OwnedLayout, receipts: Receipts): Promise<void> {
  const temporary = workspace.path(FINALS[1]!);
  const handle = await open(temporary, 'wx');
  await handle.write(RIGHT, 0, 6, 0);
  await handle.write(RIGHT, 6, RIGHT.length - 6, 6);
  const digested = await handle.stat({ bigint: true });
  await handle.close();
  const stats = await workspace.commit(temporary, final(FINALS[1]!), { digested });
  await receipts.record(FINALS[1]!, stats, { md5: MD5 });
}

/** @throws Error naming what is wrong */
function expectSound(): void {
  for (const name of FINALS) {
    const there = disk.read(`${DIR}/${name}`);
    if (there && !there.data.equals(RIGHT)) throw new Error(`${name} holds ${there.data}`);
  }
  const text = disk.read(`${DIR}/.pcam/receipts.json`)?.data.toString() ?? '{"files":{}}';
  for (const [name, { inode, mtime, md5 }] of Object.entries<Record<string, string>>(
    JSON.parse(text).files,
  )) {
    const there = disk.read(`${DIR}/${name}`);
    const same = there && String(there.ino) === inode && String(there.mtime) === mtime;
    const now = there && createHash('md5').update(there.data).digest('hex');
    if (md5 !== MD5 || (same && now !== md5)) throw new Error(`the receipt of ${name} is not true`);
  }
}

interface Schedule {
  /** The first run is stopped at this point, and the second one comes an hour later. */
  stopFirst: number;
  /** The second one is stopped at this point, and the first one wakes up; by default it ends before that. */
  stopSecond?: number;
  /** What becomes of the one that is stopped last, while the other one goes on. @default 'wakes' */
  then?: 'dies' | 'wakes';
  bad: boolean;
}

/** @returns the points of each */
async function play({ stopFirst, stopSecond, then = 'wakes', bad }: Schedule): Promise<[number, number]> {
  disk = new MemoryDisk();
  let wrong: unknown;
  disk.onChange = () => {
    try {
      expectSound();
    } catch (error) {
      wrong ??= error;
    }
  };
  const outcome = (promise: Promise<void>) =>
    promise.then(
      () => 'done',
      (error) => (error.code === 'INTERNAL' ? String(error.stack) : (error.code as string)),
    );
  const first = new Actor('first');
  first.stopAt = stopFirst;
  const a = outcome(runAs(first, () => download({ bad })));
  await Promise.race([a, first.stopped]);
  disk.pass(HOUR);
  const second = new Actor('second');
  if (stopSecond !== undefined) second.stopAt = stopSecond;
  const b = outcome(runAs(second, () => download({ bad: false })));
  await Promise.race([b, second.stopped]);
  first.wake();
  const ofFirst = await a;
  if (then === 'wakes') second.wake();
  const ofSecond = then === 'wakes' ? await b : 'dead';
  disk.pass(HOUR);
  const third = await outcome(runAs(new Actor('third'), () => download({ bad: false })));
  const what = JSON.stringify({ stopFirst, stopSecond, then, bad, ofFirst, ofSecond, third });
  if (wrong) throw new Error(`${(wrong as Error).message}: ${what}`);
  expect(third, what).toBe('done');
  expect(['done', 'LOCKED'], what).toContain(ofFirst);
  expect(['done', 'LOCKED', 'dead'], what).toContain(ofSecond);
  expect(disk.read(`${DIR}/.pcam/tmp`)!.entries.size, what).toBe(0);
  return [first.points, second.points];
}

test.each([false, true])(
  'a run that sleeps at any point while another one does all (bad source: %s)',
  async (bad) => {
    const [points] = await play({ stopFirst: Number.POSITIVE_INFINITY, bad });
    for (let stopFirst = 0; stopFirst < points; stopFirst++) await play({ stopFirst, bad });
  },
);

/** Pairs of points that are tried, spread evenly; PCAM_MODEL=all tries every pair, which takes some minutes. */
const PAIRS = process.env.PCAM_MODEL === 'all' ? Number.POSITIVE_INFINITY : 250;

test.each(['wakes', 'dies'] as const)(
  'two runs, each stopped at any point; the second one %s',
  { timeout: PAIRS === Number.POSITIVE_INFINITY ? 3_600_000 : 120_000 },
  async (then) => {
    const [points] = await play({ stopFirst: Number.POSITIVE_INFINITY, bad: true });
    const all = points * points;
    for (let n = 0; n < Math.min(all, PAIRS); n++) {
      const at = (n * 7919) % all;
      await play({ stopFirst: Math.floor(at / points), stopSecond: at % points, then, bad: true });
    }
  },
);
