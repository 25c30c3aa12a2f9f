/** `--progress json`: every line of stderr is one document, whatever happens. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { jsonEvents } from '#pcam/report/progress.js';
import { makeDataset } from '../support/dataset.js';
import { runPcam } from '../support/in-process.js';
import { startPcam } from '../support/process.js';
import { sharedFolder, temporaryFolder } from '../support/temp.js';

let root: { folder: string; remove: () => Promise<void> };
beforeAll(async () => {
  root = await sharedFolder();
  await makeDataset({ root: root.folder });
  await writeFile(join(root.folder, 'scores.csv'), 'prob\n0.1\n0.9\n0.4\n0.6\n');
  return root.remove;
});

interface Event {
  type: string;
  [field: string]: unknown;
}

function eventsOf(stderr: string): Event[] {
  const events = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const event of events) {
    expect(['plan', 'begin', 'progress', 'end', 'output', 'pause', 'drop', 'notice', 'message']).toContain(
      event.type,
    );
    if (event.type === 'end' && event.outcome !== 'failed') expect(event.done).toBe(event.total);
  }
  return events;
}

const at = (name: string) => join(root.folder, name);

/** Each long command, and the steps that it reports. */
it.each<[string, string[], string[]]>([
  ['fixture', ['ROOT/made', '--train', '4', '--valid', '2', '--test', '2'], ['draw']],
  ['download', ['--dir', 'ROOT/fetched'], ['fetch']],
  ['verify', [], ['check']],
  ['export', ['--format', 'png', '--workers', '1', '--out', 'ROOT/png'], ['export']],
  ['subset', ['--out', 'ROOT/subset'], ['export']],
  ['stats', ['--workers', '1'], ['scan']],
  ['preview', ['-o', 'ROOT/sheet.png'], []],
  ['report', ['-o', 'ROOT/report.html'], []],
  ['score', ['ROOT/scores.csv', '--bootstrap', '50'], []],
])('%s', async (command, options, steps) => {
  const manifest = ['--manifest', at('archives/manifest.json')];
  const dir = options.includes('--dir') ? [] : ['--dir', at('data')];
  const words = options.map((word) => word.replace('ROOT', root.folder));
  const args = [command, ...words, ...dir, ...manifest, '--progress', 'json', '--json'];
  const { code, stdout, stderr } = await runPcam(args);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout).ok).toBe(true);
  const events = eventsOf(stderr);
  const ended = new Set(events.filter(({ type }) => type === 'end').map(({ step }) => step));
  for (const step of steps) {
    const begun = events.some((event) => event.type === 'begin' && event.step === step);
    expect([step, begun || ended.has(step)]).toEqual([step, true]);
  }
});

it('errors, hints and the next command are events, too', async () => {
  const usage = await runPcam(['verify', '--splt', 'x', '--progress', 'json']);
  expect(usage.code).toBe(2);
  expect(eventsOf(usage.stderr)).toEqual([
    expect.objectContaining({
      type: 'message',
      level: 'error',
      code: 'USAGE',
      hint: 'Did you mean --split?',
    }),
  ]);
  const folder = await temporaryFolder();
  const missing = await runPcam(['stats', '--dir', folder, '--progress=json']);
  expect(missing.code).toBe(3);
  expect(eventsOf(missing.stderr).at(-1)).toMatchObject({
    level: 'error',
    code: 'MISSING',
    hint: expect.stringMatching(/download/),
  });
  await writeFile(join(folder, 'm.json'), '{');
  const manifest = await runPcam(['download', '--manifest', join(folder, 'm.json'), '--progress', 'json']);
  expect(eventsOf(manifest.stderr)).toMatchObject([{ level: 'error', code: 'BAD_MANIFEST' }]);
  const verified = await runPcam([
    'download',
    '--manifest',
    at('archives/manifest.json'),
    '--dir',
    at('data'),
    '--progress',
    'json',
  ]);
  expect(eventsOf(verified.stderr)).toContainEqual(
    expect.objectContaining({ type: 'message', command: expect.stringMatching(/ verify --dir /) }),
  );
});

it('a stop by a signal is an event, too', async () => {
  const limit = ['--limit-rate', '1k', '--manifest', at('archives/manifest.json')];
  const { child, ended } = startPcam(['download', ...limit, '--dir', at('slow'), '--progress', 'json']);
  child.stderr!.once('data', () => child.kill('SIGINT'));
  const { code, stderr } = await ended;
  expect(code).toBe(130);
  expect(eventsOf(stderr).at(-1)).toMatchObject({ type: 'message', level: 'error', code: 'ABORTED' });
});

it('at most five of a task in a second', () => {
  let [now, lines] = [0, 0];
  const onEvent = jsonEvents(
    () => lines++,
    () => now,
  );
  const task = { task: 'a', step: 'fetch', unit: 'bytes', done: 1, total: 2 } as const;
  for (; now < 2; now += 0.01) {
    onEvent({ type: 'progress', ...task });
    onEvent({ type: 'progress', ...task, task: 'b' });
  }
  expect(lines).toBeLessThanOrEqual(20);
  expect(lines).toBeGreaterThan(16);
  onEvent({ type: 'end', ...task, outcome: 'done', seconds: 2 });
  expect(lines).toBeLessThanOrEqual(21);
});
