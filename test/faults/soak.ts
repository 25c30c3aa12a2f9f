/**
 * A random soak: downloads of small data sets by the real command line, under random faults, killed at random
 * moments and started again. After every step: final names hold only right bytes, and what was safely there stays.
 * The same seed gives the same script of faults and kills; how far a run gets before a kill is the machine's.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Fault,
  type FaultRequest,
  type FaultServer,
  sourceAt,
  startServer,
} from '../support/fault-server.js';
import { generator } from '../support/files.js';
import { type Mini, makeMini } from '../support/mini.js';
import { canUnshare, startContained } from '../support/namespace.js';
import { rightBytes } from '../support/part.js';
import { type Ended, startPcam } from '../support/process.js';

/** Data sets side by side: much of a run is waiting. */
const LANES = 3;
const contained = await canUnshare();
/** A run that takes longer hangs (ms). */
const BOUND = 60_000;
/** Runs after which a data set that is not done is given up as impossible, and said so. */
const MOST_RUNS = 30;

export interface SoakOptions {
  folder: string;
  seed: number;
  /** Stop after so many seconds, at the end of a data set. */
  seconds: number;
  say?: (line: string) => void;
}

export interface SoakFigures {
  seed: number;
  datasets: number;
  runs: number;
  faults: number;
  kills: Record<string, number>;
  exits: Record<string, number>;
  bytesServed: number;
  bytesWanted: number;
  /** The most that a kill took away of what was safely there. */
  mostLost: number;
}

interface Kill {
  how: 'SIGKILL' | 'SIGTERM' | 'SIGINT' | 'SIGINT twice' | 'suspended';
  after: number;
  atOnce: boolean;
}

/** @throws Error naming seed, data set and what was found wrong */
export async function soak({ folder, seed, seconds, say = () => {} }: SoakOptions): Promise<SoakFigures> {
  const figures: SoakFigures = {
    seed,
    datasets: 0,
    runs: 0,
    faults: 0,
    kills: {},
    exits: {},
    bytesServed: 0,
    bytesWanted: 0,
    mostLost: 0,
  };
  const until = performance.now() + seconds * 1000;
  let started = 0;
  const lane = async () => {
    while (performance.now() < until) {
      const n = started++;
      // Each data set has a script of its own, whatever the others take.
      const round = new Round(join(folder, String(n)), generator(seed + n * 7919), figures);
      try {
        await round.run();
      } catch (error) {
        throw new Error(`seed ${seed}, data set ${n}: ${(error as Error).message}`, { cause: error });
      }
      if (++figures.datasets % 50 === 0) say(`soak: ${figures.datasets} data sets, ${figures.runs} runs`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return figures;
}

/** One data set from nothing to done. */
class Round {
  readonly #folder: string;
  readonly #dir: string;
  readonly #random: () => number;
  readonly #figures: SoakFigures;
  #mini!: Mini;
  #servers: FaultServer[] = [];
  /** How likely a request is to go wrong; less from run to run, so that each data set comes to an end. */
  #trouble = 0;
  #rivalKilled = false;
  /** What the rival wrote to stderr. */
  #rivalSaid = '';

  constructor(folder: string, random: () => number, figures: SoakFigures) {
    this.#folder = folder;
    this.#dir = join(folder, 'pcam');
    this.#random = random;
    this.#figures = figures;
  }

  async run(): Promise<void> {
    const bytes = () => Math.floor(this.#random() * 6_000_000) + 1;
    const sizeUnknown = this.#random() < 0.2;
    this.#mini = await makeMini(join(this.#folder, 'served'), [
      { bytes: bytes(), gzip: true, sizeUnknown },
      { bytes: Math.ceil(bytes() / 1000), kind: 'labels', gzip: true },
      { bytes: Math.ceil(bytes() / 20), kind: 'meta', sizeUnknown },
    ]);
    const rate = this.#random() < 0.7 ? 2_000_000 + this.#random() * 20_000_000 : undefined;
    const options = {
      folder: this.#mini.folder,
      fault: this.#fault,
      redirects: true,
      scanOver: 500_000,
      rate,
    };
    this.#servers = [await startServer(options), await startServer(options)];
    try {
      const [a, b] = this.#servers;
      const sources = { drive: sourceAt('google-drive', a!.url), zenodo: sourceAt('zenodo', b!.url) };
      await writeFile(join(this.#folder, 'manifest.json'), JSON.stringify(this.#mini.json(sources)));
      await this.#toTheEnd();
    } finally {
      for (const server of this.#servers) {
        this.#figures.bytesServed += server.requests.reduce((sum, { sent }) => sum + sent, 0);
        await server.close();
      }
    }
    for (const data of this.#mini.served.values()) this.#figures.bytesWanted += data.length;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #toTheEnd(): Promise<void> {
    for (let run = 0; run < MOST_RUNS; run++) {
      this.#trouble = run === 0 ? 0.3 : Math.max(0, 0.3 - run * 0.03);
      const before = await this.#progress();
      const ended = await this.#start(run);
      const after = await this.#progress();
      this.#compare(before, after, ended);
      // A rival that was killed when all was done leaves its lock to the next run.
      if (ended.code === 0 && !this.#rivalKilled) return this.#expectDone();
    }
    throw new Error(`not done after ${MOST_RUNS} runs`);
  }

  /** Runs the command line, and perhaps kills it; what it may answer is known. */
  async #start(run: number): Promise<Ended> {
    this.#rivalKilled = false;
    this.#rivalSaid = '';
    const manifest = join(this.#folder, 'manifest.json');
    const { child, ended } = startPcam(['download', '--manifest', manifest, '--dir', this.#dir]);
    const kill = run < 15 && this.#random() < 0.7 ? this.#plan() : undefined;
    const killed = kill && this.#kill(child, kill);
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, BOUND);
    const result = await ended;
    clearTimeout(timer);
    await killed;
    this.#figures.runs++;
    const how = result.signal ?? String(result.code);
    this.#figures.exits[how] = (this.#figures.exits[how] ?? 0) + 1;
    if (hung) throw new Error(`a run took more than ${BOUND} ms\n${result.stderr}`);
    const expected = kill
      ? { SIGKILL: 'SIGKILL', SIGTERM: '143', SIGINT: '130', 'SIGINT twice': '130', suspended: '5' }[kill.how]
      : '';
    // 0: it was done before the kill; 4: every source had failed; 3: wrong bytes from all sources, none kept.
    // A signal that comes while node itself is starting ends it as any process.
    const early = result.signal === 'SIGTERM' || result.signal === 'SIGINT';
    if (![expected, '0', '4', '3'].includes(how) && !(kill && early)) {
      throw new Error(`exit ${how} after ${kill?.how ?? 'no kill'}\n${result.stderr}`);
    }
    return result;
  }

  #plan(): Kill {
    const hows = ['SIGKILL', 'SIGKILL', 'SIGTERM', 'SIGINT', 'SIGINT twice', 'suspended'] as const;
    const how = hows[Math.floor(this.#random() * hows.length)]!;
    return { how, after: this.#random() * 700, atOnce: this.#random() < 0.15 };
  }

  /** Kills a run some time after it has begun to ask for bytes, or (`atOnce`) after its start. */
  async #kill(child: ChildProcess, { how, after, atOnce }: Kill): Promise<void> {
    const over = () => child.exitCode !== null || child.signalCode !== null;
    const asked = () => this.#servers.reduce((sum, { requests }) => sum + requests.length, 0);
    const before = asked();
    while (!atOnce && !over() && asked() === before) await sleep(5);
    await sleep(after);
    if (over()) return;
    this.#figures.kills[how] = (this.#figures.kills[how] ?? 0) + 1;
    if (how === 'suspended') return this.#suspend(child);
    if (how !== 'SIGINT twice') return void child.kill(how);
    child.kill('SIGINT');
    await sleep(this.#random() * 20);
    child.kill('SIGINT');
  }

  /** Suspends a run until another one, in a container of its own, has taken the folder over, or was killed at it. */
  async #suspend(child: ChildProcess): Promise<void> {
    if (!contained) return void child.kill('SIGKILL');
    child.kill('SIGSTOP');
    try {
      const lock = join(this.#dir, '.pcam', 'lock');
      // The heartbeat is an hour old, or a clock was turned back by one.
      const then = new Date(Date.now() + (this.#random() < 0.7 ? -1 : 1) * 3_600_000);
      await utimes(lock, then, then).catch(() => {});
      const manifest = join(this.#folder, 'manifest.json');
      const rival = startContained(['download', '--manifest', manifest, '--dir', this.#dir]);
      const early = this.#random() < 0.5 ? this.#random() * 3000 : undefined;
      let killed: 'early' | 'hung' | undefined;
      const kill = setTimeout(() => {
        killed = early === undefined ? 'hung' : 'early';
        this.#rivalKilled = true;
        rival.kill('SIGKILL');
      }, early ?? BOUND);
      // Now and then the first one wakes up while the other is at work.
      if (this.#random() < 0.5) await sleep(this.#random() * 2000);
      else await rival.ended;
      child.kill('SIGCONT');
      const { code, stderr } = await rival.ended;
      this.#rivalSaid = stderr;
      clearTimeout(kill);
      // What unshare answers for a container that was killed differs from version to version.
      if (killed !== 'early' && ![0, 3, 4, 5].includes(code ?? -1))
        throw new Error(`a rival ended with ${code}\n${stderr}`);
      // What the rival left belongs to a container that is gone.
      await utimes(lock, then, then).catch(() => {});
    } finally {
      child.kill('SIGCONT');
    }
  }

  readonly #fault = ({ range, size, step }: FaultRequest): Fault | undefined => {
    if (this.#random() >= this.#trouble) return undefined;
    this.#figures.faults++;
    const length = (range ? Math.min(range.end, size) - range.start : size) || 1;
    const after = Math.floor(this.#random() * length);
    const faults: Fault[] = [
      { after, ending: 'reset' },
      { after, ending: 'close' },
      { after, ending: 'end', unsized: 'chunked' },
      { after, ending: 'reset', wholeFile: true },
      { wholeFile: true, unsized: 'chunked' },
      { unsized: 'close' },
      { refuse: 'reset' },
      { page: 'html' },
      { page: 'quota' },
      { status: 403 },
      { status: 500 },
      { status: 503, headers: { 'retry-after': '1' } },
      { status: 429 },
      { status: 416 },
      { headers: { 'content-range': 'bytes 3-4/5' } },
      { headers: { etag: '"changed"' } },
      { flip: after },
    ];
    const fault = faults[Math.floor(this.#random() * faults.length)]!;
    return step === 'file' || fault.refuse || fault.page || fault.status ? fault : undefined;
  };

  /** Bytes that are safely there, by archive. */
  async #progress(): Promise<Map<string, number>> {
    const progress = new Map<string, number>();
    for (const [name, data] of this.#mini.served) {
      const final = join(this.#dir, name.replace(/\.gz$/, ''));
      const done = existsSync(final);
      if (done && !this.#mini.contents.get(name.replace(/\.gz$/, ''))!.equals(await readFile(final))) {
        throw new Error(`${final} is there and wrong`);
      }
      progress.set(name, done ? data.length : await rightBytes(this.#dir, name, data));
    }
    return progress;
  }

  /**
   * Bytes that are right on the disk never get fewer, but for what may be thrown away on purpose: all bytes of a
   * file whose digest was wrong in the end, or of a source whose copy changed (then the run says so, or its rival).
   */
  #compare(before: Map<string, number>, after: Map<string, number>, { stderr }: Ended): void {
    for (const [name, had] of before) {
      const lost = had - after.get(name)!;
      if (lost <= 0) continue;
      const heard = `${stderr}\n${this.#rivalSaid}`;
      const said = /is wrong:|changed while it was fetched|sources disagree|was wrong; discarding/.test(
        heard,
      );
      if (!said) this.#figures.mostLost = Math.max(this.#figures.mostLost, lost);
      if (!said) throw new Error(`${name} lost ${lost} of ${had} bytes\n${heard}`);
    }
  }

  async #expectDone(): Promise<void> {
    const names = (await readdir(this.#dir)).filter((name) => name !== '.pcam').sort();
    const expected = [...this.#mini.finals].sort();
    if (names.join() !== expected.join()) throw new Error(`done, with ${names.join(', ')}`);
    const left = await readdir(join(this.#dir, '.pcam'), { recursive: true });
    // A run that was killed while it looked at the lock of this one leaves a file of its own to the next.
    const litter = left.filter(
      (name) =>
        !/^(manifest\.json|partial|tmp|tmp\/[0-9a-f]{16}\.lock|receipts|receipts\/[^/]*\.json)$/.test(name),
    );
    if (litter.length > 0) throw new Error(`done, and left ${litter.join(', ')}`);
  }
}
