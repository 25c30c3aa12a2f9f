/**
 * A lock that was left behind, and several runs that want it at once: the real code of src/fs on a disk in memory, its
 * steps in random orders, one of the runs perhaps killed or suspended. One run at a time gets the lock, and in the end
 * nothing else is left. A seed names an order.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Workspace } from '#pcam/fs/workspace.js';
import { TestClock } from '../support/clock.js';
import { generator } from '../support/files.js';
import { MemoryDisk } from './memory-disk.js';
import { mount } from './mount.js';
import { type Process, runAs } from './process.js';

const STATE = '/model/pcam/.pcam';
const LOCK = `${STATE}/lock`;
const HOUR = 3_600_000;
const RUNS = 3;
const ORDERS = 300;
/** Steps of all runs together after which one of them is killed or suspended, at most. */
const MOST_STEPS = 60;

let disk: MemoryDisk;
let unmount = () => {};
const { stackTraceLimit } = Error;
beforeAll(() => {
  unmount = mount(() => disk);
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  unmount();
  Error.stackTraceLimit = stackTraceLimit;
});

const open = () =>
  Workspace.open({ lock: LOCK, temporaries: `${STATE}/tmp`, command: 'download', clock: new TestClock() });

/** A run that waits before each of its steps until it is let go on. */
class Run implements Process {
  ended = false;
  workspace: Workspace | undefined;
  #goOn: () => void = () => {};
  #stopped: () => void = () => {};
  #waiting = this.#untilStopped();

  constructor(readonly name: string) {
    const keep = (workspace: Workspace) => {
      this.workspace = workspace;
    };
    const refused = (error: { code?: string }) => expect(error.code).toBe('LOCKED');
    void runAs(this, open)
      .then(keep, refused)
      .finally(() => {
        this.ended = true;
        this.#stopped();
      });
  }

  #untilStopped(): Promise<void> {
    return new Promise((resolve) => {
      this.#stopped = resolve;
    });
  }

  beforeStep(): Promise<void> {
    this.#stopped();
    return new Promise((resolve) => {
      this.#goOn = resolve;
    });
  }

  touch(): void {}

  async step(): Promise<void> {
    await this.#waiting;
    if (this.ended) return;
    this.#waiting = this.#untilStopped();
    this.#goOn();
    await this.#waiting;
  }

  async holds(): Promise<boolean> {
    return (
      (await this.workspace?.check().then(
        () => true,
        () => false,
      )) ?? false
    );
  }
}

async function diskWith(files: Record<string, string>): Promise<MemoryDisk> {
  const made = new MemoryDisk();
  for (const folder of ['/model/pcam', STATE]) made.mkdir(folder);
  for (const [name, text] of Object.entries(files)) {
    const file = made.open(`${STATE}/${name}`, 'wx') as { writeFile(text: string): Promise<void> };
    await file.writeFile(text);
  }
  made.pass(HOUR);
  return made;
}

/** Lets the runs take steps in a random order until all have ended. Some orders change runs at each step, some seldom. */
async function interleave(
  runs: readonly Run[],
  random: () => number,
  until = Number.POSITIVE_INFINITY,
): Promise<void> {
  const changing = random();
  let run = runs[0]!;
  for (let steps = 0; steps < until; steps++) {
    const going = runs.filter(({ ended }) => !ended);
    if (going.length === 0) return;
    if (run.ended || random() < changing) run = going[Math.floor(random() * going.length)]!;
    await run.step();
  }
}

async function holders(runs: readonly Run[]): Promise<number> {
  return (await Promise.all(runs.map((run) => run.holds()))).filter(Boolean).length;
}

async function close(runs: readonly Run[]): Promise<void> {
  for (const { workspace } of runs) await workspace?.close();
}

const names = () => [...disk.read(STATE)!.entries.keys()].sort();

const other = {
  pid: 12,
  host: 'another',
  boot: 'b',
  namespace: 'n',
  started: '1',
  command: 'download',
  token: 't',
};
const LEFT: [string, Record<string, string>][] = [
  ['nothing', {}],
  ['a torn lock', { lock: '{"pid": 12, "ho' }],
  ['an empty lock', { lock: '' }],
  ['a lock of another machine', { lock: JSON.stringify(other) }],
  [
    'a lock, and a turn to take it over',
    { lock: JSON.stringify(other), 'lock.clearing': JSON.stringify(other) },
  ],
];

describe.each(LEFT)('where %s was left', (_, files) => {
  test('one of several runs gets the lock, whatever the order', async () => {
    for (let seed = 0; seed < ORDERS; seed++) {
      disk = await diskWith(files);
      const runs = Array.from({ length: RUNS }, (_, i) => new Run(String(i)));
      await interleave(runs, generator(seed));
      expect([await holders(runs), names()], `seed ${seed}`).toEqual([1, ['lock', 'tmp']]);
    }
  });

  test.each(['killed', 'suspended'])(
    'one at a time has it when one was %s, and the next run finds nothing else',
    async (how) => {
      for (let seed = 0; seed < ORDERS; seed++) {
        disk = await diskWith(files);
        const random = generator(seed);
        const runs = Array.from({ length: RUNS }, (_, i) => new Run(String(i)));
        await interleave(runs, random, random() * MOST_STEPS);
        const [gone, ...others] = runs as [Run, ...Run[]];
        await interleave(others, random);
        if (random() < 0.5) await close(others);
        disk.pass(HOUR);
        const late = Array.from({ length: 2 }, (_, i) => new Run(`late ${i}`));
        const awake = how === 'killed' ? late : [gone, ...late];
        await interleave(awake, random);
        expect(await holders([...others, ...awake]), `seed ${seed}`).toBeLessThan(2);
        if (random() < 0.5) await close(late);
        disk.pass(HOUR);
        const last = new Run('last');
        await interleave([last], random);
        expect(await last.holds(), `seed ${seed}`).toBe(true);
        await last.workspace!.close();
        expect(names(), `seed ${seed}`).toEqual(['tmp']);
      }
    },
  );
});
