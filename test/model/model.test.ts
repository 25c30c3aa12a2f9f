/**
 * The commit protocol, explored: the real code of src/fs and src/store on a disk in memory. The first run is stopped
 * before any of its changes of the disk, for so long that its lock is stale; a second one comes, and is stopped before
 * any of its own; a third one comes as if both were dead; then the first one wakes up and ends, and the second one goes
 * on. After every change final names hold right bytes and receipts are true, and a run that is left alone succeeds.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Receipts } from '#pcam/store/receipts.js';
import { Disk } from './disk.js';
import { mount, Process } from './process.js';
import { contentOf, download, type Habits, leftIn, MADE, verify, Watcher } from './runs.js';

const HOUR = 3_600_000;
/** All pairs of stops, which takes three times as long as every third one. */
const EVERY_PAIR = process.env.PCAM_MODEL === 'all';
/** An idle processor needs seconds, one that many share more. */
const TIMEOUT = 300_000;

let unmount = () => {};
const { stackTraceLimit } = Error;
beforeAll(() => {
  unmount = mount();
  Error.stackTraceLimit = 0; // half of the errors say that a file is not there
});
afterAll(() => {
  unmount();
  Error.stackTraceLimit = stackTraceLimit;
});

type Work = () => Promise<unknown>;

/** Two runs, and a third one that finds what they left. */
interface Scenario {
  first: Work;
  second: Work;
  /** What the second run puts under the name that both write. */
  secondContent: Buffer;
  /** All runs hold the lock while they write receipts. */
  areLocked: boolean;
}

function downloads(habits: Habits = {}): Scenario {
  return {
    first: () => download({ ...habits, content: MADE[0], isBad: true }),
    second: () => download({ ...habits, content: MADE[1] }),
    secondContent: MADE[1],
    areLocked: true,
  };
}

/** One play of a scenario. */
class Play {
  readonly disk: Disk;
  readonly first: Process;
  readonly second: Process;
  readonly #scenario: Scenario;
  #fault: string | undefined;

  constructor(scenario: Scenario, before: Disk) {
    this.disk = before.copy();
    this.#scenario = scenario;
    this.#watch(this.disk);
    this.first = new Process('1', this.disk, scenario.first);
    this.second = new Process('2', this.disk, scenario.second);
  }

  #watch(disk: Disk): void {
    const watcher = new Watcher(disk, this.#scenario.areLocked);
    disk.onChange = () => {
      this.#fault ??= watcher.findFault();
    };
  }

  /** Lets a run go on to one of its calls; all others have been stopped for an hour then. */
  async run(process: Process, until?: number): Promise<void> {
    this.disk.pass(HOUR);
    await process.runUntil(until);
  }

  /** Lets both end, the first one first. */
  async end(): Promise<void> {
    await this.run(this.first);
    await this.run(this.second);
    const outcomes = [this.first.outcome, this.second.outcome].join();
    this.expect(/^(done|LOCKED),(done|LOCKED)$/.test(outcomes), outcomes);
    if (outcomes === 'LOCKED,done') {
      const isSecond = contentOf(this.disk)?.equals(this.#scenario.secondContent) ?? false;
      this.expect(isSecond, 'a run that had lost the lock has changed the folder');
    }
  }

  /** A run that is left alone, as all others are dead, succeeds and cleans up. */
  async expectRecovery(): Promise<void> {
    const disk = this.disk.copy();
    disk.pass(HOUR);
    this.#watch(disk);
    const third = new Process('3', disk, this.#scenario.second);
    await third.runUntil();
    this.expect(third.outcome === 'done', `third ${third.outcome}`);
    this.expect(leftIn(disk).length === 0, `third left ${leftIn(disk).join()}`);
  }

  expect(holds: boolean, otherwise: string): void {
    if (this.#fault !== undefined || !holds) throw new Error(this.#fault ?? otherwise);
  }
}

/** A run that only looks is stopped before each of its calls; the second one ends then. */
async function exploreLooks(scenario: Scenario, before: Disk): Promise<number> {
  const alone = new Play(scenario, before);
  await alone.run(alone.first);
  for (let stop = 0; stop < alone.first.calls; stop++) {
    const play = new Play(scenario, before);
    await play.run(play.first, stop);
    await play.run(play.second);
    await play.end();
  }
  return alone.first.calls;
}

/** All pairs of stops before changes. @throws Error with the first schedule that goes wrong */
async function exploreAll(scenario: Scenario): Promise<number> {
  let plays = 0;
  const alone = new Play(scenario, new Disk());
  await alone.run(alone.first);
  alone.expect(alone.first.outcome === 'done', `first ${alone.first.outcome}`);
  for (const stop of alone.first.changes) {
    const dead = new Play(scenario, new Disk());
    await dead.run(dead.first, stop);
    await dead.run(dead.second);
    await dead.expectRecovery();
    for (const stopSecond of dead.second.changes) {
      if (!EVERY_PAIR && (stop + stopSecond) % 3 !== 0) continue;
      plays++;
      const play = new Play(scenario, new Disk());
      try {
        await play.run(play.first, stop);
        await play.run(play.second, stopSecond);
        await play.expectRecovery();
        await play.end();
      } catch (error) {
        throw new Error(`stopped before calls ${stop} and ${stopSecond}: ${(error as Error).message}`);
      }
    }
  }
  return plays;
}

/** Schedules with many switches, any of which may be the death of a run. */
async function exploreAtRandom(scenario: Scenario, schedules: number): Promise<void> {
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let schedule = 0; schedule < schedules; schedule++) {
    const play = new Play(scenario, new Disk());
    try {
      for (let switches = random(12); switches > 0; switches--) {
        const process = random(2) === 0 ? play.first : play.second;
        await play.run(process, process.calls + 1 + random(25));
      }
      await play.expectRecovery();
      await play.end();
    } catch (error) {
      throw new Error(`schedule ${schedule}: ${(error as Error).message}`);
    }
  }
}

/** A folder with a finished download in it. */
async function finished(): Promise<Disk> {
  const disk = new Disk();
  const process = new Process('0', disk, () => download({}));
  await process.runUntil();
  expect(process.outcome).toBe('done');
  return disk;
}

describe('two runs, stopped or killed before any change of the disk', () => {
  test('that download different contents', { timeout: TIMEOUT }, async () => {
    const plays = await exploreAll(downloads());
    process.stderr.write(`model: ${plays} plays\n`);
    expect(plays).toBeGreaterThan(400);
  });

  test('that take turns at random', { timeout: TIMEOUT }, async () => {
    await exploreAtRandom(downloads(), EVERY_PAIR ? 2000 : 150);
  });

  test('of which the first verifies without a lock', { timeout: TIMEOUT }, async () => {
    const second = () => download({ content: MADE[1] });
    const scenario = { first: verify, second, secondContent: MADE[1], areLocked: false };
    expect(await exploreLooks(scenario, await finished())).toBeGreaterThan(10);
  });
});

describe('finds the fault where a rule is taken out', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** The disk does not carry out renames of this kind. */
  function withoutRename(kind: RegExp): void {
    const { rename } = Disk.prototype;
    vi.spyOn(Disk.prototype, 'rename').mockImplementation(function (this: Disk, from, to) {
      if (!kind.test(`${from} ${to}`)) rename.call(this, from, to);
    });
  }

  test('directories of other runs stay', async () => {
    withoutRename(/\/left\.\d+$/);
    await expect(exploreAll(downloads())).rejects.toThrow(
      /third left|a run that had lost the lock has changed the folder/,
    );
  });

  test('a receipt is written before its file has the final name', async () => {
    await expect(exploreAll(downloads({ breaks: 'receipt after rename' }))).rejects.toThrow(
      'is of another file',
    );
  });

  test('a verification writes a receipt of what the path names, and not of what it read', async () => {
    const { record } = Receipts.prototype;
    const { stat } = await import('node:fs/promises');
    vi.spyOn(Receipts.prototype, 'record').mockImplementation(async function (
      this: Receipts,
      name,
      _,
      digests,
    ) {
      await record.call(this, name, await stat(`/model/pcam/${name}`, { bigint: true }), digests);
    });
    const second = () => download({ content: MADE[1] });
    const scenario = { first: verify, second, secondContent: MADE[1], areLocked: false };
    await expect(exploreLooks(scenario, await finished())).rejects.toThrow('receipt of made.csv is not true');
  });

  test('a run adopts the partial download of a living one', { timeout: TIMEOUT }, async () => {
    // All runs seem to be in one place, and no process there to live.
    vi.spyOn(Process.prototype, 'place', 'get').mockReturnValue('here');
    vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('ESRCH'), { code: 'ESRCH' });
    });
    await expect(exploreAll(downloads())).rejects.toThrow(/holds wrong bytes|LOCKED,IO/);
  });
});
