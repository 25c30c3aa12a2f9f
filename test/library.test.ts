/** The library: all that the commands do, with events, and an abort that is prompt and leaves nothing behind. */
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EXIT_CODES } from '#pcam/core/errors.js';
import type { PcamEvent } from '#pcam/core/events.js';
import * as pcam from '#pcam/index.js';
import { makeDataset } from './support/dataset.js';
import { put } from './support/files.js';
import { pcamError } from './support/outcome.js';
import { start } from './support/process.js';
import { temporaryFolder } from './support/temp.js';

const INDEX = fileURLToPath(new URL('../dist/index.js', import.meta.url));
/** An abort has to be answered within this (ms), on a machine that is busy with other tests. */
const PROMPT = 3000;

describe('the front door', () => {
  it('has a function for every command', () => {
    for (const name of [
      'download',
      'verify',
      'info',
      'cacheKey',
      'createFixture',
      'openDataset',
      'openSplit',
    ]) {
      expect(pcam).toHaveProperty(name, expect.any(Function));
    }
    expect(Object.keys(EXIT_CODES)).toEqual(expect.arrayContaining(['USAGE', 'ABORTED', 'BAD_HDF5']));
  });

  it('goes the whole way: fixture, download, verify, data', async () => {
    const root = await temporaryFolder();
    const painted: number[] = [];
    const fixture = await pcam.createFixture({
      dir: join(root, 'served'),
      train: 6,
      valid: 2,
      test: 2,
      onEvent: (event) => event.type === 'end' && painted.push(event.done),
    });
    expect(painted).toEqual([6, 2, 2]);
    const events: PcamEvent[] = [];
    const [dir, manifest] = [join(root, 'pcam'), fixture.manifest];
    const result = await pcam.download({ dir, manifest, onEvent: (event) => events.push(event) });
    expect(result).toMatchObject({ ok: true, files: Array(9).fill({ status: 'downloaded' }) });
    for (const type of ['plan', 'begin', 'progress', 'end'])
      expect(events.map((event) => event.type)).toContain(type);
    for (const event of events.filter(({ type }) => type === 'progress'))
      expect(event).toSatisfy(({ done, total }) => done <= total);
    expect(await pcam.verify({ dir, manifest, deep: true })).toMatchObject({ ok: true });
    const data = await pcam.openDataset({ dir, manifest: await pcam.readManifest(manifest) });
    const split = await data.split('train');
    let patches = 0;
    for await (const { count, images, labels, meta } of split.batches({ size: 4 })) {
      expect([images.length, labels.length, meta!.length]).toEqual([count * 27_648, count, count]);
      patches += count;
    }
    expect([data.splits, patches]).toEqual([['train', 'valid', 'test'], 6]);
    data.close();
  });

  it('does not change the options that it is given', async () => {
    const data = await makeDataset();
    const freeze = <T extends object>(value: T): T => {
      for (const inner of Object.values(value)) if (inner && typeof inner === 'object') freeze(inner);
      return Object.freeze(value);
    };
    const options = freeze({ dir: data.dir, manifest: data.manifest, splits: ['test' as const], kinds: [] });
    expect((await pcam.download(options)).ok).toBe(true);
    expect((await pcam.verify(options)).ok).toBe(true);
    await pcam.info(options);
  });
});

/** A server that takes requests and never answers. */
async function silentServer(): Promise<{ url: string; asked: Promise<void> }> {
  let told = () => {};
  const asked = new Promise<void>((resolve) => {
    told = resolve;
  });
  const server = createServer(() => told());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function expectPrompt(stop: AbortController, work: Promise<unknown>, reason?: unknown): Promise<void> {
  const since = performance.now();
  stop.abort(reason);
  expect(await pcamError(work)).toMatchObject({ code: 'ABORTED', exitCode: 130 });
  expect(performance.now() - since).toBeLessThan(PROMPT);
}

describe('an abort', () => {
  it('before anything was started', async () => {
    const root = await temporaryFolder();
    const { dir, manifest } = await makeDataset();
    const signal = AbortSignal.abort();
    for (const work of [
      () => pcam.download({ dir: join(root, 'd'), manifest, signal }),
      () => pcam.verify({ dir, manifest, signal }),
      () => pcam.verify({ dir, manifest, deep: true, signal }),
      () => pcam.createFixture({ dir: join(root, 'f'), train: 2, valid: 2, test: 2, signal }),
      () => pcam.openSplit({ dir, manifest, split: 'test', signal }),
    ]) {
      expect((await pcamError(work())).code).toBe('ABORTED');
    }
    expect((await readdir(root)).filter((name) => name.endsWith('.h5'))).toEqual([]);
  });

  it('of a download that waits for a server', async () => {
    const { manifest } = await makeDataset();
    const { url, asked } = await silentServer();
    const stop = new AbortController();
    const dir = join(await temporaryFolder(), 'pcam');
    const work = pcam.download({ dir, manifest, mirrors: [url], force: true, signal: stop.signal });
    await asked;
    await expectPrompt(stop, work, new Error('a reason of the caller'));
    // Nothing came, so nothing is left of it.
    await expect(readdir(dir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('of a download, a verify and a fixture in the middle', async () => {
    const data = await makeDataset({ train: 200 });
    const folder = await temporaryFolder();
    const begun = (run: (signal: AbortSignal, told: () => void) => Promise<unknown>) => async () => {
      const stop = new AbortController();
      const work = { is: Promise.resolve() as Promise<unknown> };
      await new Promise<void>((resolve) => {
        work.is = run(stop.signal, resolve);
        work.is.catch(() => {});
      });
      await expectPrompt(stop, work.is);
    };
    const { dir, manifest } = data;
    await begun((signal, told) =>
      pcam.createFixture({ dir: folder, train: 100_000, signal, onEvent: told }),
    )();
    expect(await readdir(folder)).toEqual([]);
    const limited = { dir: join(folder, 'd'), manifest, limitRate: 5_000_000, force: true };
    await begun((signal, told) =>
      pcam.download({ ...limited, signal, onEvent: ({ type }) => type === 'progress' && told() }),
    )();
    await begun((signal, told) => pcam.verify({ dir, manifest, signal, onEvent: told }))().catch((error) => {
      // A verify of little data may be over with its first event.
      expect(String(error)).toContain('expected a failure');
    });
  });

  it('of batches, between two of them', async () => {
    const data = await makeDataset();
    const split = await pcam.openSplit({ ...data, split: 'train' });
    const stop = new AbortController();
    const seen: number[] = [];
    const work = (async () => {
      for await (const { start: at } of split.batches({ size: 2, signal: stop.signal })) {
        seen.push(at);
        if (at === 4) stop.abort();
      }
    })();
    expect((await pcamError(work)).code).toBe('ABORTED');
    expect(seen).toEqual([0, 2, 4]);
    split.close();
  });
});

describe('a process that used the library ends by itself', () => {
  const cases: Record<string, string> = {
    'after everything went well': `
      const { manifest } = await createFixture({ dir: 'f', train: 4, valid: 2, test: 2 });
      await download({ manifest, dir: 'd' });
      await verify({ manifest, dir: 'd', deep: true });
      const split = await openSplit({ dir: 'd', manifest: await readManifest(manifest), split: 'train' });
      for await (const batch of split.batches()) said.push(batch.count);`,
    'after a download was aborted': `
      const { manifest } = await createFixture({ dir: 'f', train: 200, valid: 2, test: 2 });
      const stop = new AbortController();
      const onEvent = ({ type }) => type === 'progress' && stop.abort();
      await download({ manifest, dir: 'd', limitRate: 5_000_000, signal: stop.signal, onEvent })
        .catch(({ code }) => said.push(code));`,
    'after a verify failed while other files were read': `
      const { mkdirSync } = await import('node:fs');
      const { manifest } = await createFixture({ dir: 'f', train: 4, valid: 2, test: 2 });
      await download({ manifest, dir: 'd', kinds: ['labels', 'meta'] });
      mkdirSync('d/camelyonpatch_level_2_split_train_x.h5');
      await verify({ manifest, dir: 'd' }).catch(({ code }) => said.push(code));`,
    'after a fixture was aborted': `
      const stop = new AbortController();
      await createFixture({ dir: 'f', train: 100_000, signal: stop.signal, onEvent: ({ type }) => type === 'progress' && stop.abort() })
        .catch(({ code }) => said.push(code));`,
    'with a data set left open': `
      const { manifest } = await createFixture({ dir: 'f', train: 4, valid: 2, test: 2 });
      await download({ manifest, dir: 'd' });
      const data = await openDataset({ dir: 'd', manifest: await readManifest(manifest) });
      said.push((await data.split('test')).count);`,
  };
  const expected: Record<string, unknown> = {
    'after everything went well': [4],
    'after a download was aborted': ['ABORTED'],
    'after a verify failed while other files were read': ['IO'],
    'after a fixture was aborted': ['ABORTED'],
    'with a data set left open': [2],
  };
  it.each(Object.entries(cases))('%s', async (name, code) => {
    const cwd = await put(await temporaryFolder(), {
      'use.mjs': `import { createFixture, download, openDataset, openSplit, readManifest, verify } from ${JSON.stringify(INDEX)};
        const said = [];
        ${code}
        const active = process.getActiveResourcesInfo().filter((kind) => /Worker|TCP|Timeout/.test(kind));
        console.log(JSON.stringify({ said, active }));`,
    });
    const { child, ended } = start(join(cwd, 'use.mjs'), [], { cwd });
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    const end = await ended;
    clearTimeout(timer);
    expect(end).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(end.stdout)).toEqual({ said: expected[name], active: [] });
  });
});
