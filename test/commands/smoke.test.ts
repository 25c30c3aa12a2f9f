/** Each command once as a process of its own: most other tests call it in theirs. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { COMMANDS } from '#pcam/commands/program.js';
import { startPcam } from '../support/process.js';
import { sharedFolder } from '../support/temp.js';

const { folder, remove } = await sharedFolder();
afterAll(remove);
const at = (name: string) => join(folder, name);
const env = { PCAM_DIR: at('pcam'), PCAM_MANIFEST: at('served/manifest.json') };

const OK = /^\{\n? *"ok": ?true/;

/** What it prints, and its arguments; in an order in which each finds what it needs. */
const RUNS: Record<string, [stdout: RegExp, ...args: string[]]> = {
  fixture: [/^$/, at('served'), '--train', '4', '--valid', '2', '--test', '2'],
  download: [OK, '--json'],
  verify: [OK, '--json'],
  info: [OK, '--json'],
  'cache-key': [/^pcam-v1-/],
  export: [OK, '--format', 'png', '--workers', '1', '--split', 'valid', '--out', at('out'), '--json'],
  subset: [OK, '--split', 'valid', '--out', at('subset'), '--json'],
  stats: [OK, '--split', 'valid', '--workers', '1', '--json'],
  preview: [OK, '--split', 'valid', '-o', at('sheet.png'), '--json'],
  report: [OK, '--split', 'valid', '-o', at('report.html'), '--json'],
  score: [OK, at('scores.csv'), '--bootstrap', '0', '--json'],
  completion: [/complete/, 'bash'],
};

await writeFile(at('scores.csv'), 'prob\n0.25\n0.75\n');

it('names every command', () => {
  expect([...Object.keys(RUNS), 'browse'].sort()).toEqual(COMMANDS.map(({ name }) => name).sort());
});

it.each(Object.entries(RUNS))('%s', async (command, [printed, ...args]) => {
  const { code, stdout, stderr } = await startPcam([command, ...args], { env }).ended;
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(printed);
});

it('browse: one line of JSON when it listens, 130 by Ctrl-C', async () => {
  const { child, ended } = startPcam(['browse', '--split', 'valid', '--json'], { env });
  const [line] = (await once(child.stdout!, 'data')) as [string];
  const { ok, url } = JSON.parse(line) as { ok: boolean; url: string };
  expect(ok).toBe(true);
  expect((await fetch(url)).status).toBe(200);
  child.kill('SIGINT');
  const { code, stdout } = await ended;
  expect([code, stdout]).toEqual([130, line]);
  expect(line.trim().split('\n')).toHaveLength(1);
});

it('browse listens nowhere but on the loopback interface, and says how to reach it', async () => {
  const { code, stderr } = await startPcam(['browse', '--host', '0.0.0.0'], { env }).ended;
  expect(code).toBe(2);
  expect(stderr).toContain('ssh -L');
});
