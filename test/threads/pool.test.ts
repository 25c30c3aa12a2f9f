/** The worker pool: every job ends with its result, or with an error that says what happened. */
import { describe, expect, it } from 'vitest';
import { PcamError } from '#pcam/core/errors.js';
import { Inbox, type Job } from '#pcam/threads/job.js';
import { JobThread, Pool, runTogether } from '#pcam/threads/pool.js';
import { failureOf, pcamError } from '../support/outcome.js';
import * as testJobs from './jobs.mjs';

type TestJob = Job<unknown, unknown, unknown, unknown>;
const jobs = testJobs as unknown as Record<keyof typeof testJobs, TestJob>;
const WORKER = { code: new URL('./worker.mjs', import.meta.url), eval: false };

interface StartOptions {
  input?: unknown;
  signal?: AbortSignal;
  onProgress?(progress: unknown): void;
}

function inThread(job: TestJob, { input, signal, onProgress = () => {} }: StartOptions = {}) {
  const inbox = new Inbox<unknown>();
  const thread = new JobThread(WORKER);
  const call = { job, input, inbox, signal: signal ?? new AbortController().signal, onProgress };
  const result = thread.run(call).finally(() => thread.end());
  return { result, send: (message: unknown) => inbox.put(message) };
}

function inCaller(job: TestJob, { input, ...options }: StartOptions = {}) {
  return new Pool(0).start(job, input, options);
}

describe.each([
  ['a thread', inThread],
  ['the calling thread', inCaller],
])('a job in %s', (_place, start) => {
  it('takes messages, also early ones, reports its progress, and gives its result', async () => {
    const reports: unknown[] = [];
    const { result, send } = start(jobs.sum, { input: [1, 2], onProgress: (sum) => reports.push(sum) });
    for (const message of [10, 20, 'end']) send(message);
    expect(await result).toBe(33);
    expect(reports).toEqual([1, 3]);
    send('nobody hears it');
  });

  it('ends with the error of the system, and what was being done', async () => {
    const error = await pcamError(start(jobs.unreadable).result);
    expect(error).toMatchObject({ code: 'IO', message: expect.stringMatching(/EIO.* while testing/) });
  });

  it('ends with a bug as it was thrown, with its stack', async () => {
    const error = (await failureOf(start(jobs.bug).result)) as Error;
    expect(error).not.toBeInstanceOf(PcamError);
    expect(error.stack).toMatch(/Cannot read properties of undefined[\s\S]*jobs\.mjs/);
  });

  it('stops on abort, before and in the middle', async () => {
    expect((await pcamError(start(jobs.sum, { signal: AbortSignal.abort() }).result)).code).toBe('ABORTED');
    const stop = new AbortController();
    const { result } = start(jobs.sum, { input: [1], signal: stop.signal, onProgress: () => stop.abort() });
    expect((await pcamError(result)).code).toBe('ABORTED');
  });
});

describe('a thread', () => {
  it('is stopped while it is busy', async () => {
    const stop = new AbortController();
    const { result } = inThread(jobs.spin, { signal: stop.signal, onProgress: () => stop.abort() });
    expect((await pcamError(result)).code).toBe('ABORTED');
  });

  it('may be one of many that one signal stops', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const stop = new AbortController();
    const results = Array.from({ length: 11 }, () => inThread(jobs.spin, { signal: stop.signal }).result);
    stop.abort();
    const errors = await Promise.all(results.map(pcamError));
    expect(errors.map(({ code }) => code)).toEqual(Array(11).fill('ABORTED'));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('that runs out of memory is an error of this machine, with what to do', async () => {
    const error = await pcamError(inThread(jobs.fill).result);
    expect(error).toMatchObject({
      code: 'IO',
      message: 'a thread used up its 512 MB of memory while testing',
      hint: expect.stringContaining('smaller shards'),
    });
  });

  it('that ends or crashes is noticed', async () => {
    expect(await pcamError(inThread(jobs.exit).result)).toMatchObject({
      code: 'INTERNAL',
      message: 'a thread ended while testing',
    });
    expect(await failureOf(inThread(jobs.crash).result)).toMatchObject({
      message: 'thrown where nobody waits',
      stack: expect.stringContaining('jobs.mjs'),
    });
  });
});

it('runs as many jobs at once as it has workers, in their order', async () => {
  const pool = new Pool(0);
  const began: number[] = [];
  let [running, most] = [0, 0];
  const job: Job<number, number> = {
    name: 'count',
    doing: () => 'counting',
    async run(n) {
      began.push(n);
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return n;
    },
  };
  expect(await Promise.all([1, 2, 3].map((n) => pool.run(job, n)))).toEqual([1, 2, 3]);
  expect({ began, most }).toEqual({ began: [1, 2, 3], most: 1 });
});

it('stops the others at the first failure, and throws it when they have ended', async () => {
  const ended: string[] = [];
  const until = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        ended.push('other');
        reject(new Error('stopped'));
      });
    });
  const failing = Promise.reject(new Error('first'));
  const calls = runTogether(new AbortController().signal, (signal) => [until(signal), failing]);
  await expect(calls).rejects.toThrow('first');
  expect(ended).toEqual(['other']);
});
