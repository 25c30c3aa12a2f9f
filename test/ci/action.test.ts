/** action.yml: its steps, run by bash with the real pcam, on a fixture. */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { validateAction, validateWorkflow } from '@action-validator/core';
import { beforeEach, describe, expect, it } from 'vitest';
import { createFixture } from '#pcam/fixture/fixture.js';
import { type Action, type Runner, readAction, runAction } from '../support/action.js';
import { PCAM } from '../support/process.js';
import { temporaryFolder } from '../support/temp.js';

const ROOT = join(import.meta.dirname, '..', '..');
const action = await readAction();
const steps = action.runs.steps;

describe('action.yml', () => {
  it('is what the published schema says', async () => {
    expect(validateAction(await readFile(join(ROOT, 'action.yml'), 'utf8')).errors).toEqual([]);
  });

  it('pins the actions that it uses, and lets no input into a script but by its environment', () => {
    const used = steps.flatMap(({ uses }) => uses ?? []);
    expect(used.length).toBeGreaterThan(0);
    for (const uses of used) expect(uses).toMatch(/^actions\/cache\/(restore|save)@[0-9a-f]{40}$/);
    for (const { run = '' } of steps) expect(run).not.toContain('${{');
  });

  it('uses every input that it declares, and no other', () => {
    const used = [...JSON.stringify(action.runs).matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name!);
    expect([...new Set(used)].sort()).toEqual(Object.keys(action.inputs).sort());
  });
});

describe('the workflow of a release', () => {
  it('is what the published schema says, and pins the actions that it uses', async () => {
    const text = await readFile(join(ROOT, '.github', 'workflows', 'release.yml'), 'utf8');
    // The validator's copy of the schema is older than this permission.
    const known = text.replace(/^ +attestations: write\n/m, '');
    expect(validateWorkflow(known).errors).toEqual([]);
    for (const [, uses] of text.matchAll(/uses: (\S+)/g)) expect(uses).toMatch(/@[0-9a-f]{40}$/);
  });
});

describe('a job that uses the action', () => {
  let runner: Runner;
  let inputs: Record<string, string>;
  let archives: string;

  beforeEach(async () => {
    const root = await temporaryFolder();
    runner = { workspace: join(root, 'job'), caches: join(root, 'caches'), path: join(root, 'bin') };
    for (const folder of Object.values(runner)) await mkdir(folder);
    const command = join(runner.path, 'pcam');
    await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${PCAM}" "$@"\n`);
    await chmod(command, 0o755);
    archives = join(root, 'archives');
    const { manifest } = await createFixture({ dir: archives, train: 8, valid: 8, test: 8, seed: 1 });
    inputs = { version: 'installed', manifest, splits: 'valid,test' };
  });

  const job = (more: Record<string, string> = {}, other: Action = action) =>
    runAction(other, { ...inputs, ...more }, runner);

  it('downloads and saves on a miss; restores and verifies on a hit', async () => {
    const first = await job();
    expect(first.ran).toEqual([
      'Compute the cache key',
      'Restore the data set',
      'Download the data set',
      'Save the data set',
      'Tell where the data set is',
    ]);
    expect(first.outputs).toMatchObject({ dir: 'pcam', 'cache-hit': 'false' });
    expect(first.outputs['cache-key']).toMatch(/^[\w-]{1,512}$/);

    // The next job: another machine, where the archives are out of reach.
    await rm(runner.workspace, { recursive: true });
    await mkdir(runner.workspace);
    for (const file of ['valid_x', 'test_x'])
      await rm(join(archives, `camelyonpatch_level_2_split_${file}.h5.gz`));
    const second = await job();
    expect(second.ran).toEqual([
      'Compute the cache key',
      'Restore the data set',
      'Verify what the cache held',
      'Tell where the data set is',
    ]);
    expect(second.outputs).toEqual({ ...first.outputs, 'cache-hit': 'true' });
  });

  it('downloads what is wrong in a cache', async () => {
    await job();
    const wrong = join(runner.workspace, 'pcam', 'camelyonpatch_level_2_split_valid_y.h5');
    const right = await readFile(wrong);
    await writeFile(wrong, 'spoiled');
    const saved = steps.find(({ name }) => name === 'Save the data set')!;
    await runAction(
      { ...action, outputs: {}, runs: { steps: [steps[1]!, { ...saved, if: 'true' }] } },
      inputs,
      runner,
    );
    const { log, ran } = await job();
    expect(ran).not.toContain('Download the data set');
    expect(log).toContain('::warning title=pcam::');
    expect(await readFile(wrong)).toEqual(right);
  });

  it('gets only some kinds, into another folder, with no cache', async () => {
    const { ran, outputs } = await job({ kinds: 'labels', dir: 'my data', cache: 'false', splits: 'test' });
    expect(ran).toEqual(['Compute the cache key', 'Download the data set', 'Tell where the data set is']);
    expect(outputs).toMatchObject({ dir: 'my data', 'cache-hit': 'false' });
    await readFile(join(runner.workspace, 'my data', 'camelyonpatch_level_2_split_test_y.h5'));
  });

  it('exports, with more options', async () => {
    await job({ format: 'raw', 'export-options': '--shard-size 4  --crop center32', out: 'out' });
    const index = JSON.parse(await readFile(join(runner.workspace, 'out', 'index.json'), 'utf8'));
    expect(index).toMatchObject({ format: 'raw', crop: 'center32', shardSize: 4, patches: 16 });
  });

  it('makes a smaller data set, and exports that', async () => {
    const more = {
      'subset-options': '--per-class 2 --seed 7',
      'subset-dir': 'small',
      format: 'raw',
      out: 'out',
    };
    const { outputs } = await job(more);
    expect(outputs).toMatchObject({ dir: 'small', 'cache-hit': 'false' });
    await readFile(join(runner.workspace, 'small', 'camelyonpatch_level_2_split_valid_x.h5'));
    const index = JSON.parse(await readFile(join(runner.workspace, 'out', 'index.json'), 'utf8'));
    expect(index).toMatchObject({ format: 'raw', patches: 8 });
  });

  it('takes inputs for what they are, not for commands', async () => {
    const attack = 'valid$(touch pwned);`touch pwned`; touch pwned';
    await expect(job({ splits: attack })).rejects.toThrow(/Allowed are/);
    await expect(job({ format: 'raw', out: '$(touch pwned)' })).resolves.toBeDefined();
    await expect(readFile(join(runner.workspace, 'pwned'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
