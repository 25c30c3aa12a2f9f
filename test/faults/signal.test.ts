/**
 * A signal ends any command in good order within two seconds, at whatever moment. By default one moment per command;
 * PCAM_SIGNAL_MOMENTS=40 tries so many of each, PCAM_SIGNAL_PATCHES=32768 with a data set of that size, and
 * PCAM_SIGNAL_SEED repeats a run.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import { createFixture } from '#pcam/fixture/fixture.js';
import { sourceAt, startServer } from '../support/fault-server.js';
import { sharedFolder } from '../support/temp.js';
import { CASES, type Data, Trials } from './signals.js';

/** What a command may take to end (ms) on an idle machine. */
const BOUND = 2000;
const moments = Number(process.env.PCAM_SIGNAL_MOMENTS ?? 1);
const train = Number(process.env.PCAM_SIGNAL_PATCHES ?? 192);
const seed = Number(process.env.PCAM_SIGNAL_SEED ?? 1);
const only = process.env.PCAM_SIGNAL_COMMAND;
/** Each command once: the others differ from them in options. */
const USUAL = [
  'download from a slow server',
  'verify',
  'verify --fix',
  'export raw',
  'subset --archives',
  'stats --table',
  'preview',
  'report',
  'info --probe',
  'fixture',
];

const root = await sharedFolder();
let trials: Trials;
const close: (() => Promise<void>)[] = [root.remove];
afterAll(async () => {
  for (const one of close.reverse()) await one();
});

beforeAll(async () => {
  trials = new Trials(join(root.folder, 'trials'), await makeData());
}, 600_000);

async function makeData(): Promise<Data> {
  const folder = join(root.folder, 'served');
  const other = Math.max(1, train >> 2);
  const { manifest } = await createFixture({ dir: folder, train, valid: other, test: other });
  const dir = join(root.folder, 'data', 'pcam');
  await download({ dir, manifest });
  const rest = JSON.parse(await readFile(manifest, 'utf8'));
  const at = async (name: string, options: Partial<Parameters<typeof startServer>[0]>) => {
    const server = await startServer({ folder, ...options });
    close.push(() => server.close());
    const path = join(root.folder, `${name}.json`);
    await writeFile(path, JSON.stringify({ ...rest, sources: { [name]: sourceAt('http', server.url) } }));
    return path;
  };
  return {
    ...{ manifest, dir },
    slow: await at('slow', { rate: 300_000 }),
    silent: await at('silent', { fault: () => ({ silent: true }) }),
  };
}

test.each(
  Object.keys(CASES).filter(
    (name) => only?.split(',').includes(name) ?? (moments > 1 || USUAL.includes(name)),
  ),
)(
  `a signal ends %s within two seconds, in good order (seed ${seed})`,
  { timeout: 60_000 + moments * (train > 1000 ? 60_000 : 20_000) },
  async (name) => {
    let worst = 0;
    const counts = { early: 0, late: 0, within: 0 };
    for (let n = 0; n < moments; n++) {
      const { took, slower, when, ...moment } = await trials.run(name, n, seed);
      counts[when]++;
      worst = Math.max(worst, took / slower);
      expect(took / slower, `${name}: ${JSON.stringify({ took, slower, n, seed, ...moment })}`).toBeLessThan(
        BOUND,
      );
    }
    if (moments > 1)
      process.stderr.write(`signal: ${name}: ${JSON.stringify({ ...counts, worst: Math.round(worst) })}\n`);
  },
);
