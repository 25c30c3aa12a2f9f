/** What progress says: rows that fit, all tasks together, the same trouble once, colour where it is wanted. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { PcamEvent, TaskState } from '#pcam/core/events.js';
import { TaskBoard } from '#pcam/report/board.js';
import { createProgress } from '#pcam/report/progress.js';
import { layOutRow, overallRow, rowWords, taskRow } from '#pcam/report/row.js';
import { Sentences } from '#pcam/report/sentences.js';
import { painter } from '#pcam/report/table.js';

const MB = 1e6;
const task = (name: string, done: number, more: Partial<TaskState> = {}): TaskState => ({
  task: name,
  step: 'fetch',
  unit: 'bytes',
  done,
  total: 100 * MB,
  ...more,
});
const bar = (fraction: number, size: number) => '='.repeat(Math.round(fraction * size)).padEnd(size);

describe('a row', () => {
  it('is never as wide as the terminal, whatever it says', () => {
    for (const name of ['a', 'camelyonpatch_level_2_split_train_x.h5.gz', 'x'.repeat(300)]) {
      const row = taskRow(task(name, 99_999_999, { total: 6421353462 }), 123);
      for (let columns = 1; columns <= 220; columns++) {
        expect(layOutRow(row, columns, bar).length).toBeLessThan(Math.max(2, columns));
      }
    }
  });

  it('keeps its columns apart and says a time, whatever the width and the duration', () => {
    for (const seconds of [0.2, 9, 59, 599.6, 601, 754, 3599.9, 35_999, 86_400, 1e6, 1e9]) {
      for (const [total, unit] of [
        [6_421_353_462, 'bytes'],
        [1e15, 'bytes'],
        [262_144, 'patches'],
      ] as const) {
        const speed = (total * 0.9) / seconds;
        const row = taskRow(task('train_x.h5.gz', total * 0.1, { total, unit }), speed);
        for (let columns = 60; columns <= 200; columns++) {
          const text = layOutRow(row, columns, bar);
          expect(text).toMatch(/10%.* {2,}\d[^/]* left$/);
          if (columns >= 82) expect(text).toMatch(/% {2,}\d[^%]* of \S+( .?B)? {2,}\d\S*( .?B)?\/s/);
        }
      }
    }
  });

  it.each([
    [50, '50 s left'],
    [185, '3 min 05 s left'],
    [754, '13 min left'],
    [3599, '1 h 00 min left'],
    [4 * 3600 + 61, '4 h 01 min left'],
    [47 * 3600, '47 h left'],
    [1e7, '116 d left'],
  ])('says %d s as %s', (seconds, text) => {
    expect(taskRow(task('a', 0), (100 * MB) / seconds).texts.left).toBe(text);
  });

  it.each([
    [40, /^train_x\.h5\.gz {3}\[=+ +\] {2}50%$/],
    [60, /\[=+ +\] {2}50% {2}1\.00 MB\/s {8}50 s left$/],
    [80, /\[=+ +\] {2}50% {4}50\.0 of 100 MB {2}1\.00 MB\/s {8}50 s left$/],
  ])('says what has place in %i columns', (columns, pattern) => {
    const row = taskRow(task('camelyonpatch_level_2_split_train_x.h5.gz', 50 * MB), MB);
    expect(layOutRow(row, columns, bar)).toMatch(pattern);
  });

  it('says what is done behind a transfer, and counts patches as patches', () => {
    expect(rowWords(taskRow(task('a.csv', 10 * MB, { step: 'unpack' }), 0))).toBe('a.csv: 10%, verifying');
    const patches = task('train', 1000, { unit: 'patches', step: 'export', total: 262_144 });
    expect(rowWords(taskRow(patches, 2000))).toBe('train: 0%, 1,000 of 262,144, 2,000/s, 2 min 11 s left');
  });
});

describe('all tasks together', () => {
  const time = { now: 0 };
  const board = new TaskBoard(() => time.now);
  const say = (event: PcamEvent) => board.apply(event);

  it('counts files, bytes and the speed of what this run fetches', () => {
    say({ type: 'begin', ...task('b', 0, { step: 'check' }) });
    say({ type: 'end', ...task('b', 100 * MB, { step: 'check' }), outcome: 'done', seconds: 1 });
    say({
      type: 'plan',
      unit: 'bytes',
      tasks: [
        { task: 'a', total: 100 * MB },
        { task: 'b', total: 100 * MB },
      ],
    });
    expect(board.overall()).toMatchObject({ tasks: 2, ended: 0, done: 0, total: 200 * MB, speed: 0 });
    say({ type: 'begin', ...task('a', 0) });
    // An earlier run left half of it.
    say({ type: 'progress', ...task('a', 0) });
    time.now = 1;
    say({ type: 'begin', ...task('b', 60 * MB) });
    say({ type: 'progress', ...task('b', 60 * MB) });
    say({ type: 'progress', ...task('a', 20 * MB) });
    time.now = 2;
    say({ type: 'progress', ...task('a', 40 * MB) });
    expect(board.overall()).toMatchObject({ done: 100 * MB, speed: 20 * MB });
    say({ type: 'end', ...task('b', 100 * MB), outcome: 'downloaded', seconds: 1 });
    expect(board.overall()).toMatchObject({ ended: 1, done: 140 * MB });
    expect(overallRow(board.overall()!)).toMatchObject({ name: '1 of 2 files', fraction: 0.7 });
    expect(board.active().map(({ state }) => state.task)).toEqual(['a']);
  });
});

describe('what an earlier run left', () => {
  it('is no speed: neither where a step begins with it, nor its check', () => {
    const time = { now: 0 };
    const board = new TaskBoard(() => time.now);
    const tasks = ['a', 'b'].map((name) => ({ task: name, total: 100 * MB }));
    board.apply({ type: 'plan', unit: 'bytes', tasks });
    board.apply({ type: 'begin', ...task('a', 0) });
    board.apply({ type: 'begin', ...task('b', 0) });
    time.now = 1;
    board.apply({ type: 'progress', ...task('b', 1 * MB) });
    board.apply({ type: 'progress', ...task('a', 30 * MB, { step: 'check' }) });
    time.now = 2;
    board.apply({ type: 'progress', ...task('a', 80 * MB, { step: 'check' }) });
    board.apply({ type: 'progress', ...task('a', 80 * MB) });
    board.apply({ type: 'progress', ...task('b', 2 * MB) });
    time.now = 3;
    board.apply({ type: 'progress', ...task('a', 81 * MB) });
    board.apply({ type: 'progress', ...task('b', 3 * MB) });
    expect(board.active().map(({ speed }) => speed)).toEqual([1 * MB, 1 * MB]);
    expect(board.overall()).toMatchObject({ done: 84 * MB, speed: 1.5 * MB });
  });
});

describe('the same trouble with a source', () => {
  it('is reported once, however many files and requests it concerns', () => {
    const time = { now: 0 };
    const sentences = new Sentences(() => time.now);
    const pause = (file: string, reason = 'the host name does not resolve') =>
      sentences.of({ type: 'pause', file, source: 'zenodo', reason, ms: 500 })?.text;
    expect(pause('train_x.h5')).toBe('zenodo: pausing for 0.5 s (the host name does not resolve)');
    expect([pause('train_x.h5'), pause('train_y.h5')]).toEqual([undefined, undefined]);
    expect(pause('train_y.h5', '503')).toBeDefined();
    time.now = 61;
    expect(pause('train_x.h5')).toBeDefined();
  });
});

describe('without a terminal', () => {
  it('says each file when it is done, and escapes what servers send', async () => {
    const stream = new PassThrough() as unknown as NodeJS.WriteStream;
    const { onEvent, stop } = await createProgress({ stream, mode: 'lines', colour: 'auto' });
    onEvent({ type: 'progress', ...task('a', 1) });
    onEvent({ type: 'drop', file: 'a', source: 's', reason: 'said \u001b[31mred' });
    onEvent({ type: 'end', ...task('a', 100 * MB), outcome: 'downloaded', seconds: 12 });
    stop();
    expect(String(stream.read())).toBe(
      'a: giving up on s (said \\x1b[31mred)\na: downloaded, 100 MB in 12 s\n',
    );
  });
});

it.each([
  ['always', false, '\u001b[31mno\u001b[0m'],
  ['auto', true, '\u001b[31mno\u001b[0m'],
  ['auto', false, 'no'],
  ['never', true, 'no'],
] as const)('colour %s, terminal %s', (wanted, isTTY, text) => {
  expect(painter(wanted, { isTTY })('red', 'no')).toBe(text);
});
