/** What a command loads before it does anything: most of the time of a short one. Asserted by modules, not by time. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { PCAM, start } from '../support/process.js';
import { temporaryFolder } from '../support/temp.js';

const HOOK = fileURLToPath(new URL('../support/loaded.mjs', import.meta.url));
const ROOT = pathToFileURL(join(PCAM, '../../')).href;

/** Packages, and folders of dist/, of the modules that a run of pcam loads. */
async function loadedBy(args: readonly string[]): Promise<{ packages: string[]; folders: string[] }> {
  const folder = await temporaryFolder();
  const log = join(folder, 'loaded');
  const env = { LOADED: log, NODE_OPTIONS: `--import=${pathToFileURL(HOOK).href}` };
  const ended = await start(PCAM, args, { cwd: folder, env }).ended;
  expect([0, 3], ended.stderr).toContain(ended.code);
  const urls = (await readFile(log, 'utf8')).trim().split('\n');
  const matches = (pattern: RegExp) =>
    [...new Set(urls.flatMap((url) => pattern.exec(url)?.[1] ?? []))].sort();
  expect(urls).toContain(`${ROOT}dist/cli.js`);
  return { packages: matches(/\/node_modules\/([^/]+)\//), folders: matches(/\/dist\/(.*)\/[^/]+$/) };
}

it.each([['--version'], ['--help'], ['no-such-command', '--help']])(
  '%s loads the words alone',
  async (...args) => {
    expect(await loadedBy(args)).toEqual({
      packages: ['commander'],
      folders: ['commands', 'core'],
    });
  },
);

it('cache-key loads the manifest', async () => {
  const { packages, folders } = await loadedBy(['cache-key']);
  expect(packages).toEqual(['commander']);
  expect(folders).toEqual(['commands', 'core', 'fs', 'manifest']);
});

it('export --help loads no reader and no library of a format', async () => {
  const { packages, folders } = await loadedBy(['export', '--help']);
  expect(packages).toEqual(['commander']);
  expect(folders).not.toContain('dataset');
});

it('verify --quick loads no HTTP client and no HDF5', async () => {
  const { packages, folders } = await loadedBy(['verify', '--quick']);
  for (const heavy of ['undici', 'h5wasm', 'htmlparser2', 'csv-parse', 'hyparquet-writer']) {
    expect(packages).not.toContain(heavy);
  }
  expect(folders).not.toContain('dataset');
  expect(folders).not.toContain('transfer');
});
