/** An output folder holds one export, whatever runs beside each other, stops, or is killed in it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PcamEvent } from '#pcam/core/events.js';
import { exportDataset } from '#pcam/export/export.js';
import type { ExportOptions } from '#pcam/export/options.js';
import { makeDataset, type TestDataset } from '../../support/dataset.js';
import { sharedFolder, temporaryFolder } from '../../support/temp.js';
import { treeOf } from '../../support/tree.js';

/** How many moments of a run it is killed at; 0: before each call that changes the disk. */
const MOMENTS = Number(process.env.PCAM_KILL_MOMENTS ?? 5);

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
/** A whole export of `run` without other options. */
let whole: string;
let tree: Record<string, string>;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 8, valid: 12, test: 6, root: root.folder });
  whole = join(root.folder, 'whole');
  await run({ out: whole });
  tree = await treeOf(whole);
});
afterAll(() => root.remove());

function run(options: Partial<ExportOptions> & { out: string }) {
  const { dir, manifest } = data;
  return exportDataset({
    dir,
    manifest,
    format: 'raw',
    splits: ['valid'],
    shardSize: 4,
    workers: 1,
    ...options,
  });
}

/** Runs an export, and `meanwhile` once its first shard has its name. */
async function runWith(
  options: Partial<ExportOptions> & { out: string },
  meanwhile: () => Promise<unknown>,
): Promise<{ result: PromiseSettledResult<unknown>; other: PromiseSettledResult<unknown> }> {
  let other: Promise<PromiseSettledResult<unknown>[]> | undefined;
  const onEvent = ({ type }: PcamEvent) => {
    if (type === 'output') other ??= Promise.allSettled([meanwhile()]);
  };
  const [result] = await Promise.allSettled([run({ ...options, onEvent })]);
  return { result: result!, other: (await other!)[0]! };
}

/** The directory of a job, or of the records of a split. */
async function stateOf(out: string, name: string): Promise<string> {
  const state = join(out, '.pcam-tmp');
  return join(state, (await readdir(state)).find((entry) => entry.endsWith(`.${name}`))!);
}

async function stopAfterOneShard(options: Partial<ExportOptions> & { out: string }): Promise<void> {
  const stop = new AbortController();
  const onEvent = ({ type }: PcamEvent) => type === 'output' && stop.abort();
  await expect(run({ ...options, signal: stop.signal, onEvent })).rejects.toMatchObject({ code: 'ABORTED' });
}

const rejected = (code: string) => ({ status: 'rejected', reason: expect.objectContaining({ code }) });

describe('records', () => {
  it('that are damaged count as none: the shard is written again', async () => {
    const out = join(await temporaryFolder(), 'out');
    await stopAfterOneShard({ out });
    const state = await stateOf(out, 'valid');
    const names = await readdir(state);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) await writeFile(join(state, name), '{"generator": "pc');
    expect((await run({ out })).shards.every(({ status }) => status === 'written')).toBe(true);
    expect(await treeOf(out)).toEqual(tree);
  });

  it('of shards that are not there make no index', async () => {
    const out = join(await temporaryFolder(), 'out');
    const [first, second] = [1, 2].map((index) => ({ out, part: { index, of: 2 } }));
    const { shards } = await run(first!);
    await rm(join(out, shards[0]!.file));
    await run(second!);
    expect(await readdir(out)).not.toContain('index.json');
    await run(first!);
    expect(await treeOf(out)).toEqual(tree);
  });

  it('of another export are not believed, whichever folder they were copied from', async () => {
    const folder = await temporaryFolder();
    const [out, other] = [join(folder, 'out'), join(folder, 'other')];
    await run({ out, part: { index: 1, of: 2 } });
    await run({ out: other, part: { index: 2, of: 2 }, crop: 'center32' });
    await cp(other, out, { recursive: true });
    await expect(run({ out })).rejects.toMatchObject({ code: 'OUTPUT_MISMATCH' });
  });
});

describe('while an export is being written', () => {
  it('another one is refused, and does not disturb it', async () => {
    const out = join(await temporaryFolder(), 'out');
    const part = { index: 1, of: 1 };
    const { result, other } = await runWith({ out }, () => run({ out, part, crop: 'center32' }));
    expect(other).toEqual(rejected('LOCKED'));
    expect(result.status).toBe('fulfilled');
    expect(await treeOf(out)).toEqual(tree);
  });

  it('the same one is told who is at work', async () => {
    const out = join(await temporaryFolder(), 'out');
    const { result, other } = await runWith({ out }, () => run({ out }));
    expect(other).toEqual(rejected('LOCKED'));
    expect(result.status).toBe('fulfilled');
    expect(await treeOf(out)).toEqual(tree);
  });

  it('another one cannot be forced', async () => {
    const out = join(await temporaryFolder(), 'out');
    const part = { index: 1, of: 1 };
    const { result, other } = await runWith({ out, part }, () => run({ out, force: true, crop: 'center32' }));
    expect(other).toEqual(rejected('LOCKED'));
    expect(result.status).toBe('fulfilled');
    expect(await treeOf(out)).toEqual(tree);
  });

  it('parts of it and the whole of it end with the same bytes', async () => {
    const out = join(await temporaryFolder(), 'out');
    const parts = [1, 2, 3].map((index) => ({ index, of: 3 }));
    await Promise.all([run({ out }), ...parts.map((part) => run({ out, part }))]);
    expect(await treeOf(out)).toEqual(tree);
  });

  it('other splits of it get into the same index', async () => {
    const out = join(await temporaryFolder(), 'out');
    await Promise.all([
      run({ out, splits: ['valid'] }),
      run({ out, splits: ['train'], part: { index: 1, of: 1 } }),
      run({ out, splits: ['test'], part: { index: 1, of: 2 } }),
      run({ out, splits: ['test'], part: { index: 2, of: 2 } }),
    ]);
    const all = join(await temporaryFolder(), 'all');
    await run({ out: all, splits: ['train', 'valid', 'test'] });
    expect(await treeOf(out)).toEqual(await treeOf(all));
  });

  it('a run whose directory was taken away changes nothing any more', async () => {
    const out = join(await temporaryFolder(), 'out');
    let left: string[] = [];
    const { result } = await runWith({ out }, async () => {
      // As a run does that takes the lock over.
      const jobs = await stateOf(out, 'whole');
      for (const name of readdirSync(jobs)) rmSync(join(jobs, name), { recursive: true });
      left = readdirSync(out);
    });
    expect(result.status).toBe('rejected');
    expect((await readdir(out)).filter((name) => !left.includes(name))).toEqual([]);
    await run({ out });
    expect(await treeOf(out)).toEqual(tree);
  });
});

describe('a run that wrote nothing', () => {
  it('keeps no other export out', async () => {
    const out = join(await temporaryFolder(), 'out');
    // As a run leaves it that is killed before its first shard.
    await mkdir(join(out, '.pcam-tmp', '0123456789abcdef.whole', '89abcdef'), { recursive: true });
    await run({ out });
    expect(await treeOf(out)).toEqual(tree);
  });

  it('leaves nothing', async () => {
    const out = join(await temporaryFolder(), 'out');
    const signal = AbortSignal.abort();
    await expect(run({ out, signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await readdir(out).catch(() => [])).toEqual([]);
  });
});

describe('a run that is killed', () => {
  interface Killed {
    out: string;
    dieAt: number | undefined;
    more?: Partial<ExportOptions>;
  }

  /** @returns calls that changed the disk */
  async function runInChild({ out, dieAt, more = {} }: Killed): Promise<number> {
    const options = {
      dir: data.dir,
      out,
      format: 'raw',
      splits: ['valid'],
      shardSize: 4,
      workers: 1,
      ...more,
    };
    const script = `
      import { readManifest } from ${JSON.stringify(import.meta.resolve('#pcam/manifest/parse.js'))};
      import { exportDataset } from ${JSON.stringify(import.meta.resolve('#pcam/export/export.js'))};
      const manifest = await readManifest(${JSON.stringify(join(root.folder, 'archives', 'manifest.json'))});
      await exportDataset({ ...${JSON.stringify(options)}, manifest });
    `;
    const preload = join(import.meta.dirname, '..', '..', 'support', 'die-at.mjs');
    const child = spawn(process.execPath, ['--import', preload, '--input-type=module', '-e', script], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: { ...process.env, ...(dieAt === undefined ? {} : { PCAM_DIE_AT: String(dieAt) }) },
    });
    const [calls] = await Promise.all([text(child.stdio[3] as NodeJS.ReadableStream), once(child, 'exit')]);
    return Number(calls);
  }

  it('at any moment leaves only right bytes under final names, and the next run ends with all', async () => {
    const folder = await temporaryFolder();
    const calls = await runInChild({ out: join(folder, 'count'), dieAt: undefined });
    expect(await treeOf(join(folder, 'count'))).toEqual(tree);
    expect(calls).toBeGreaterThan(30);
    const step = MOMENTS === 0 ? 1 : Math.ceil(calls / MOMENTS);
    for (let dieAt = 1; dieAt <= calls; dieAt += step) {
      const out = join(folder, String(dieAt));
      await runInChild({ out, dieAt });
      for (const [file, digest] of Object.entries(await treeOf(out).catch(() => ({})))) {
        if (!file.startsWith('.pcam-tmp/')) expect([dieAt, file, digest]).toEqual([dieAt, file, tree[file]]);
      }
      await run({ out });
      expect([dieAt, await treeOf(out)]).toEqual([dieAt, tree]);
    }
  });

  it('while it replaces another export leaves none that is believed', async () => {
    const folder = await temporaryFolder();
    const more = { force: true };
    const prepare = async (name: string) => {
      const out = join(folder, name);
      await run({ out, crop: 'center32', splits: ['valid', 'test'] });
      return out;
    };
    const counted = await prepare('count');
    const calls = await runInChild({ out: counted, dieAt: undefined, more });
    expect(await treeOf(counted)).toEqual(tree);
    const step = MOMENTS === 0 ? 1 : Math.ceil(calls / MOMENTS);
    for (let dieAt = 2; dieAt <= calls; dieAt += step) {
      const out = await prepare(String(dieAt));
      await runInChild({ out, dieAt, more });
      await run({ out, force: true });
      const left = Object.entries(await treeOf(out)).filter(([file]) => !file.includes('-test-'));
      expect([dieAt, Object.fromEntries(left)]).toEqual([dieAt, tree]);
    }
  });
});
