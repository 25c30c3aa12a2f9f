/**
 * Thousands of damaged HDF5 files through the reader: a clear error or data that fits together, never a crash, a hang,
 * or memory without bound. A long run: `FUZZ_MUTANTS=20000 npx vitest run test/hostile/hdf5-fuzz.test.ts`; FUZZ_SEED
 * repeats one.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/temp.js';

const MUTANTS = fileURLToPath(new URL('./mutants.js', import.meta.url));
const COUNT = Number(process.env.FUZZ_MUTANTS ?? 150);
const SEED = Number(process.env.FUZZ_SEED ?? 20181);
/** A mutant that takes longer hangs. */
const TIMEOUT = 30_000;
/** The library may take 640 MB to unpack a chunk; node and its own heap come on top. */
const MAX_MEMORY = 1.2e9;

interface Message {
  at?: number;
  what?: string;
  outcome?: string;
  failed?: string;
  ms?: number;
  rss?: number;
  done?: boolean;
}

interface Tally {
  outcomes: Map<string, number>;
  failures: string[];
  slowest: number;
  maxMemory: number;
}

it(
  `${COUNT} damaged files`,
  async () => {
    const processes = Math.min(2, availableParallelism());
    const tally: Tally = { outcomes: new Map(), failures: [], slowest: 0, maxMemory: 0 };
    const share = Math.ceil(COUNT / processes);
    await Promise.all(
      Array.from({ length: processes }, (_, i) => run(i * share, Math.min(COUNT, (i + 1) * share), tally)),
    );
    const outcomes = [...tally.outcomes].map(([name, n]) => `${name} ${n}`).join(', ');
    console.log(
      `hdf5 fuzz: seed ${SEED}, ${COUNT} mutants: ${outcomes}; slowest ${Math.round(tally.slowest)} ms, ` +
        `most memory ${Math.round(tally.maxMemory / 1e6)} MB`,
    );
    expect(tally.failures).toEqual([]);
    expect([...tally.outcomes.values()].reduce((a, b) => a + b, 0)).toBe(COUNT);
    expect(tally.maxMemory).toBeLessThan(MAX_MEMORY);
  },
  COUNT * 500 + 60_000,
);

/** Reads mutants `first` to `last` in a process; one that dies or hangs on a mutant is followed by another. */
async function run(first: number, last: number, tally: Tally): Promise<void> {
  let at = first;
  while (at < last) {
    const folder = await temporaryFolder();
    const child = fork(MUTANTS, [folder, String(SEED), String(at), String(last)], {
      stdio: 'inherit',
      execArgv: [],
    });
    const reached = await follow(child, tally);
    if (reached === undefined) return;
    at = reached.at + 1;
    tally.failures.push(`seed ${SEED} mutant ${reached.at} (${reached.what}): ${reached.end}`);
  }
}

/** The mutant that ended the process, or undefined when it went through to the end. */
async function follow(
  child: ChildProcess,
  tally: Tally,
): Promise<{ at: number; what: string; end: string } | undefined> {
  let current = { at: -1, what: 'start' };
  let done = false;
  let hung = false;
  let timer = setTimeout(() => {}, 0);
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, TIMEOUT);
  };
  watch();
  child.on('message', (message: Message) => {
    watch();
    if (message.done) done = true;
    else if (message.what !== undefined) current = { at: message.at!, what: message.what };
    if (message.outcome !== undefined) {
      tally.outcomes.set(message.outcome, (tally.outcomes.get(message.outcome) ?? 0) + 1);
      tally.slowest = Math.max(tally.slowest, message.ms!);
      tally.maxMemory = Math.max(tally.maxMemory, message.rss!);
    }
    if (message.failed !== undefined) {
      tally.failures.push(`seed ${SEED} mutant ${current.at} (${current.what}): ${message.failed}`);
    }
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  if (done && code === 0) return undefined;
  const end = hung ? `hung for ${TIMEOUT / 1000} s` : `ended its process (${signal ?? `exit code ${code}`})`;
  if (current.at < 0) throw new Error(`the fuzz could not start: ${end}`);
  return { ...current, end };
}
