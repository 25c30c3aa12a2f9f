/** Nothing hangs, whatever lies in the place of a state file. */
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import { stats } from '#pcam/explore/stats/stats.js';
import { exportDataset } from '#pcam/export/export.js';
import { keyOf } from '#pcam/export/input.js';
import { resolveOptions } from '#pcam/export/options.js';
import { createFixture } from '#pcam/fixture/fixture.js';
import { Series } from '../support/series.js';
import { sharedFolder } from '../support/temp.js';

/** Starting node takes most of this on a machine that is busy. */
const BOUND = 20_000;

let root: Awaited<ReturnType<typeof sharedFolder>>;
let manifest: string;
let served: string;
let master: string;
/** Name of the scan that is kept of the split valid: it has the digest of the images in it. */
let scan: string;
/** What begins the names of an export's state. */
let key: string;
let folders = 0;

beforeAll(async () => {
  root = await sharedFolder();
  served = join(root.folder, 'served');
  ({ manifest } = await createFixture({ dir: served, train: 4, valid: 2, test: 2 }));
  master = join(root.folder, 'master');
  await download({ dir: join(master, 'pcam'), manifest });
  await stats({ dir: join(master, 'pcam'), manifest, splits: ['valid'] });
  scan = (await readdir(join(master, 'pcam', '.pcam', 'scans')))[0]!;
  const options = { dir: join(master, 'pcam'), manifest, format: 'raw', workers: 1 } as const;
  const settings = await resolveOptions(options);
  key = keyOf(settings.recipe, settings.manifest);
  await exportDataset({ ...options, out: join(master, 'out') });
});
afterAll(() => root.remove());

/** A data set and an export of it, to be spoilt. */
async function copy(): Promise<string> {
  const folder = join(root.folder, String(folders++));
  await cp(master, folder, { recursive: true });
  return folder;
}

const COMMANDS: Record<string, (folder: string) => string[]> = {
  download: (at) => ['download', '--manifest', manifest, '--dir', join(at, 'pcam')],
  'verify --quick': (at) => ['verify', '--quick', '--manifest', manifest, '--dir', join(at, 'pcam')],
  'verify --fix': (at) => ['verify', '--fix', '--manifest', manifest, '--dir', join(at, 'pcam')],
  info: (at) => ['info', '--manifest', manifest, '--dir', join(at, 'pcam')],
  export: (at) => [
    ...['export', '--format', 'raw', '--workers', '1', '--manifest', manifest],
    ...['--dir', join(at, 'pcam'), '--out', join(at, 'out')],
  ],
  stats: (at) => [
    'stats',
    '--split',
    'valid',
    '--workers',
    '1',
    '--manifest',
    manifest,
    '--dir',
    join(at, 'pcam'),
  ],
};

/** They read two of the state files, and nothing else of pcam's. */
const READERS: typeof COMMANDS = Object.fromEntries(
  [
    ['preview', '--unique', '--split', 'valid', '-o', 'sheet.png'],
    ['report', '--split', 'valid', '-o', 'report.html'],
    ['subset', '--unique', '--split', 'valid', '--out', 'small'],
  ].map(([name, ...args]) => [
    name!,
    (at: string) => [
      ...[name!, '--manifest', manifest, '--dir', join(at, 'pcam'), ...args.slice(0, -1)],
      join(at, args.at(-1)!),
    ],
  ]),
);
const READ = [
  'pcam/.pcam/receipts/camelyonpatch_level_2_split_valid_x.h5.json',
  'pcam/.pcam/scans/valid.scan',
];

const STATE = [
  'pcam/.pcam/lock',
  ...READ,
  'pcam/.pcam/receipts',
  'pcam/.pcam/manifest.json',
  'pcam/.pcam/tmp/dead/aside.1',
  'pcam/.pcam/partial/camelyonpatch_level_2_split_valid_meta.csv.0123456789abcdef.journal',
  'pcam/.pcam/partial/camelyonpatch_level_2_split_valid_meta.csv.0123456789abcdef',
  'out/index.json',
  'out/.pcam-tmp/KEY.whole.lock',
  'out/.pcam-tmp/KEY.valid/0.json',
];

const THINGS: Record<string, (path: string) => Promise<void> | void> = {
  'a pipe': (path) => void execFileSync('mkfifo', [path]),
  'a directory': (path) => mkdir(path),
  'a circle of links': (path) => symlink(path, path),
  'a link to /dev/zero': (path) => symlink('/dev/zero', path),
  'an unreadable file': async (path) => {
    await writeFile(path, 'x');
    await chmod(path, 0);
  },
};

describe.each(Object.keys(THINGS))('%s', (thing) => {
  const series = new Series(BOUND);
  afterAll(() => series.kill());

  test.each(STATE)('in the place of %s hangs no command', { timeout: 240_000 }, async (place) => {
    const ofExport = place.startsWith('out/');
    const commands = READ.includes(place) ? { ...COMMANDS, ...READERS } : COMMANDS;
    for (const [name, args] of Object.entries(commands)) {
      if (ofExport !== (name === 'export')) continue;
      const folder = await copy();
      const path = join(folder, place.replace('valid.scan', scan).replace('KEY', key));
      await mkdir(dirname(path), { recursive: true });
      await rm(path, { recursive: true, force: true });
      await THINGS[thing]!(path);
      const { code, stderr } = await series.run(args(folder));
      expect([0, 3, 5], `${name}: ${stderr}`).toContain(code);
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('leaves nothing behind that keeps a process alive', { timeout: 2 * BOUND }, async () => {
    expect(await series.end()).toBe(0);
  });
});
