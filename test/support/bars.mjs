/** Draws the progress of a download that was made up, one step per line on stdin; ends when stdin does. */
import { createInterface } from 'node:readline';
import { createProgress } from '../../dist/report/progress.js';

const MB = 1e6;
const names = ['train_x.h5.gz', 'valid_x.h5.gz', 'test_meta.csv'].map(
  (end) => `camelyonpatch_level_2_split_${end}`,
);
const task = (i, done, step = 'fetch') => ({
  task: names[i],
  step,
  unit: 'bytes',
  done,
  total: i === 2 ? undefined : 6400 * MB,
});
const splits = ['train', 'valid', 'test'];
const scan = (name, done) => ({ task: name, step: 'scan', unit: 'patches', done, total: 1000 });
const reason =
  "the server answered 429 with a page that is called 'Google Drive - Quota exceeded': Too many users have viewed or downloaded this file recently. Please try accessing the file again later.";
const progress = await createProgress({ stream: process.stdout, mode: 'bar' });
const steps = {
  begin: () => {
    progress.onEvent({
      type: 'plan',
      unit: 'bytes',
      tasks: names.map((name, i) => ({ task: name, total: task(i).total })),
    });
    for (const i of [0, 1, 2]) progress.onEvent({ type: 'begin', ...task(i, 0) });
  },
  move: () => {
    for (const i of [0, 1]) progress.onEvent({ type: 'progress', ...task(i, 3210 * MB) });
  },
  notice: () => progress.onEvent({ type: 'pause', file: names[0], source: 'gdrive', reason, ms: 8000 }),
  verify: () => progress.onEvent({ type: 'progress', ...task(1, 6000 * MB, 'unpack') }),
  finish: () => progress.onEvent({ type: 'end', ...task(2, 1234), outcome: 'downloaded', seconds: 3 }),
  scan: () => {
    progress.onEvent({
      type: 'plan',
      unit: 'patches',
      tasks: splits.map((split) => ({ task: split, total: 1000 })),
    });
    progress.onEvent({ type: 'end', ...scan('train', 1000), outcome: 'done', seconds: 1 });
    progress.onEvent({ type: 'begin', ...scan('valid', 500) });
  },
  means: () => {
    for (const split of splits) {
      progress.onEvent({ type: 'end', ...scan(split, 1000), outcome: 'present', seconds: 0 });
    }
    progress.onEvent({ type: 'begin', ...scan('mean of train', 100) });
  },
  stop: () => progress.stop(),
  say: () => process.stdout.write('over\n'),
};
const lines = createInterface({ input: process.stdin, terminal: false });
// In the first row is the word of the shell that keys are not echoed any more.
lines.once('line', () => process.stdout.write('\r\x1b[K'));
lines.on('line', (line) => {
  for (const step of line.trim().split(' ')) steps[step]?.();
});
