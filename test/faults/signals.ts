/**
 * Every command, and a signal at random moments of each: it ends within two seconds, in good order, and the next run
 * finishes the work. The same seed gives the same moments; how far a command is by then is the machine's.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '#pcam/core/random.js';
import { type Ended, startPcam } from '../support/process.js';
import { treeOf } from '../support/tree.js';

/** A data set that commands may read, and archives to download it from. */
export interface Data {
  /** Manifest whose source is its own folder. */
  manifest: string;
  /** The decompressed files, as a download leaves them. */
  dir: string;
  /** A manifest of the same files at a server that sends slowly, and one at a server that never answers. */
  slow: string;
  silent: string;
}

/** Where one trial writes; its data set folder is its own only where a command changes it. */
interface Place {
  data: Data;
  at: string;
}

export interface Case {
  args(place: Place): string[];
  /** What a command that changes the data set folder needs there; all others read the shared one. */
  prepare?(place: Place): Promise<void>;
  /** Files under final names are those of an undisturbed run, wherever the signal came. @default true */
  exact?: boolean;
  /** Longest moment for a signal (ms), where a command would not end by itself. */
  endless?: number;
}

const common = ({ data }: Place, manifest = data.manifest) => ['--manifest', manifest, '--dir', data.dir];
const own = ({ data, at }: Place, manifest = data.manifest) => [
  ...['--manifest', manifest],
  ...['--dir', join(at, 'pcam')],
];
const into = (place: Place, name: string) => [
  ...common(place),
  name === 'out' ? '--out' : '-o',
  join(place.at, name),
];
const exported = (...more: string[]): Case => ({
  args: (place) => ['export', ...more, ...into(place, 'out')],
});

/** Links in place of copies: nothing here is written to, only renamed. */
async function copyData({ data, at }: Place): Promise<void> {
  await mkdir(join(at, 'pcam'), { recursive: true });
  for (const name of await readdir(data.dir)) {
    if (name !== '.pcam') await link(join(data.dir, name), join(at, 'pcam', name));
  }
}

async function swap(place: Place): Promise<void> {
  await copyData(place);
  const [a, b] = ['valid', 'test'].map((split) =>
    join(place.at, 'pcam', `camelyonpatch_level_2_split_${split}_x.h5`),
  ) as [string, string];
  await rename(a, `${a}.aside`);
  await rename(b, a);
  await rename(`${a}.aside`, b);
}

export const CASES: Record<string, Case> = {
  download: { args: (place) => ['download', ...own(place)] },
  'download from a slow server': {
    args: (place) => ['download', ...own(place, place.data.slow)],
    endless: 2500,
  },
  'download from a server that never answers': {
    args: (place) => ['download', ...own(place, place.data.silent)],
    endless: 1500,
  },
  verify: { args: (place) => ['verify', ...common(place)] },
  'verify --deep': { args: (place) => ['verify', '--deep', ...common(place)] },
  'verify --fix': { args: (place) => ['verify', '--fix', ...own(place)], prepare: swap, exact: false },
  'export png': exported('--format', 'png', '--shard-size', '50', '--index', 'dali'),
  'export png folder': exported('--format', 'png', '--layout', 'folder', '--shuffle', '--sha1'),
  'export raw': exported('--format', 'raw', '--shard-size', '100'),
  'export parquet': exported('--format', 'parquet', '--unique', '--shuffle'),
  'export tfrecord': exported('--format', 'tfrecord', '--crop', 'center32'),
  subset: { args: (place) => ['subset', '--unique', ...into(place, 'out')] },
  'subset --archives': { args: (place) => ['subset', '--archives', '--shuffle', ...into(place, 'out')] },
  stats: { args: (place) => ['stats', ...common(place)] },
  'stats --table': {
    args: (place) => ['stats', ...common(place), '--table', join(place.at, 'table.csv')],
  },
  'stats --table parquet': {
    args: (place) => ['stats', ...common(place), '--table', join(place.at, 'table.parquet')],
  },
  preview: { args: (place) => ['preview', '--scale', '3', ...into(place, 'sheet.png')] },
  report: { args: (place) => ['report', ...into(place, 'report.html')] },
  info: { args: (place) => ['info', ...common(place)] },
  'info --probe': {
    args: (place) => ['info', '--probe', ...common(place, place.data.silent)],
    endless: 1500,
  },
  fixture: {
    args: ({ at }) => ['fixture', join(at, 'new'), '--train', '200', '--valid', '50', '--test', '50'],
  },
  'cache-key': { args: (place) => ['cache-key', ...common(place)] },
  completion: { args: () => ['completion', 'bash'] },
};

export interface Moment {
  signal: 'SIGINT' | 'SIGTERM';
  /** ms after the start of the process. */
  after: number;
}

export interface Latency {
  /** From the signal to the end of the process (ms). */
  took: number;
  /** How much slower this machine is than if it were idle, at that moment. */
  slower: number;
  /** Before the program had begun, or after it had ended, or in between. */
  when: 'early' | 'late' | 'within';
}

/** What ends sooner than this (ms) needs no excuse of a busy machine. */
const QUICK = 300;
/** A command that has not ended after 1.7 s is ended; on a machine so many times slower, that may be for want of a processor. */
const FORCED = { after: 1600, slower: 2 };

export class Trials {
  readonly #root: string;
  readonly #data: Data;
  readonly #references = new Map<string, { tree: Record<string, string>; took: number }>();
  #count = 0;

  constructor(root: string, data: Data) {
    this.#root = root;
    this.#data = data;
  }

  /** Runs a command undisturbed, once: what it leaves, and how long it takes. */
  async #reference(name: string): Promise<{ tree: Record<string, string>; took: number }> {
    const known = this.#references.get(name);
    if (known) return known;
    const place = await this.#place(name);
    const began = performance.now();
    const took = () => performance.now() - began;
    const { endless } = CASES[name]!;
    const reference = { tree: {}, took: endless ?? 0 };
    if (endless === undefined) {
      await expectDone(name, startPcam(CASES[name]!.args(place)).ended);
      reference.took = took();
      reference.tree = await finalsIn(place.at);
    } else if (name.startsWith('download')) {
      reference.tree = await this.#downloaded();
    }
    await rm(place.at, { recursive: true });
    this.#references.set(name, reference);
    return reference;
  }

  async #downloaded(): Promise<Record<string, string>> {
    return (await this.#reference('download')).tree;
  }

  async #place(name: string): Promise<Place> {
    const place = { data: this.#data, at: join(this.#root, String(this.#count++)) };
    await mkdir(place.at, { recursive: true });
    await CASES[name]!.prepare?.(place);
    // A scan that is known already would spare all the work.
    await rm(join(this.#data.dir, '.pcam', 'scans'), { recursive: true, force: true });
    return place;
  }

  moment(name: string, n: number, seed: number): (took: number) => Moment {
    const random = new Random(seed, Object.keys(CASES).indexOf(name), n);
    return (took) => ({
      signal: random.chance(0.5) ? 'SIGINT' : 'SIGTERM',
      after: random.between(0, took * 1.05),
    });
  }

  /** One signal. @throws Error saying what was not in good order */
  async run(name: string, n: number, seed: number): Promise<Latency & Moment> {
    const { tree, took: whole } = await this.#reference(name);
    const moment = this.moment(name, n, seed)(whole);
    const place = await this.#place(name);
    const { child, ended } = startPcam(CASES[name]!.args(place));
    const over = Promise.race([ended, sleep(moment.after)]);
    await over;
    const began = performance.now();
    child.kill(moment.signal);
    const end = await Promise.race([ended, sleep(60_000)]);
    if (!end) child.kill('SIGKILL');
    const took = performance.now() - began;
    const latency = {
      took,
      slower: took < QUICK ? 1 : await slowness(),
      when: whenOf(end ?? undefined, moment),
    };
    const context = `${name}, ${JSON.stringify({ seed, n, ...moment, ...latency })}\n${end?.stderr ?? 'still there after 60 s'}`;
    try {
      if (!end) throw new Error('it hangs');
      const forced = took > FORCED.after && latency.slower > FORCED.slower;
      const expected = CASES[name]!.exact === false ? undefined : tree;
      await expectOrder({ ended: end, forced, moment, place, tree: expected });
      await this.#again(name, place, tree);
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${context}`, { cause: error });
    }
    await rm(place.at, { recursive: true, force: true });
    return { ...moment, ...latency };
  }

  /** The next run does the work, as if nothing had been. */
  async #again(name: string, place: Place, tree: Record<string, string>): Promise<void> {
    if (name === 'info --probe') return;
    const one = CASES[CASES[name]!.endless === undefined ? name : 'download']!;
    await expectDone(`${name}, again`, startPcam(one.args(place)).ended);
    expectSame(await finalsIn(place.at), tree, 'after the next run');
  }
}

async function expectDone(what: string, ended: Promise<Ended>): Promise<void> {
  const { code, stderr } = await ended;
  if (code !== 0) throw new Error(`${what} ended with ${code}: ${stderr}`);
}

/** A signal that comes before the program has begun, or when it has ended, ends it as any process. */
function whenOf(ended: Ended | undefined, { signal }: Moment): Latency['when'] {
  if (ended?.signal === signal) return 'early';
  return ended?.code === 0 ? 'late' : 'within';
}

interface Order {
  ended: Ended;
  /** It was not given the time to clean up. */
  forced: boolean;
  moment: Moment;
  place: Place;
  /** What each final name holds, if it is there. */
  tree: Record<string, string> | undefined;
}

async function expectOrder({ ended, forced, moment, place, tree }: Order): Promise<void> {
  const { code, signal, stderr } = ended;
  const expected = moment.signal === 'SIGINT' ? 130 : 143;
  if (signal !== moment.signal && code !== 0 && code !== expected)
    throw new Error(`exit code ${code ?? signal}`);
  if (/a bug in pcam|at .*\.js:\d+/.test(stderr)) throw new Error('a stack trace');
  for (const folder of [place.at, join(place.data.dir, '.pcam')]) {
    const left = existsSync(folder) ? await readdir(folder, { recursive: true }) : [];
    const litter = left.filter((name) =>
      /(^|[/.])lock|writer\.json|\.tmp-|(^|\/)tmp\/.|\.aside|\/[0-9a-f]{16}(\/|$)/.test(name),
    );
    if (litter.length > 0 && !forced) throw new Error(`left ${litter.join(', ')}`);
  }
  if (!tree) return;
  for (const [name, digest] of Object.entries(await finalsIn(place.at))) {
    if (tree[name] !== digest) throw new Error(`${name} is half written, or not the file that it should be`);
  }
}

/** What lies under final names: all but what is pcam's own. */
async function finalsIn(folder: string): Promise<Record<string, string>> {
  const all = await treeOf(folder);
  return Object.fromEntries(Object.entries(all).filter(([path]) => !/(^|\/)\.pcam/.test(path)));
}

function expectSame(found: Record<string, string>, expected: Record<string, string>, when: string): void {
  const names = new Set([...Object.keys(found), ...Object.keys(expected)]);
  const other = [...names].filter((name) => found[name] !== expected[name]);
  if (other.length > 0) throw new Error(`${when}: ${other.join(', ')} differ`);
}

/**
 * How much longer a process takes on this machine now than on an idle one: what `node` takes to start and end, to the
 * time in which it has a processor.
 */
async function slowness(): Promise<number> {
  const began = performance.now();
  const script = 'const { user, system } = process.cpuUsage(); process.stdout.write(String(user + system))';
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (words: string) => {
    text += words;
  });
  await once(child, 'close');
  return Math.max(1, (performance.now() - began) / (Number(text) / 1000));
}
