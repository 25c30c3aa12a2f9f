import { appendFile, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { deepCheck } from '#pcam/verify/deep.js';
import type { Finding } from '#pcam/verify/deep-job.js';
import { makeDataset } from '../support/dataset.js';

const problems = (findings: readonly Finding[]) =>
  findings.filter(({ level }) => level !== 'info').map(({ level, code }) => `${level} ${code}`);

describe('a deep check', () => {
  it('has nothing against a right data set', async () => {
    const findings = await deepCheck(await makeDataset());
    expect(problems(findings)).toEqual([]);
    const seen = new Set(findings.map(({ code }) => code));
    expect(seen).toEqual(new Set(['IMAGES', 'LABELS', 'SLIDES', 'BALANCE', 'CENTER_TUMOR']));
  });

  it('mentions what is not there, and no more', async () => {
    const data = await makeDataset();
    await rm(data.path('train', 'images'));
    await rm(data.path('test', 'meta'));
    const findings = await deepCheck(data);
    expect(problems(findings)).toEqual([]);
    expect(findings.filter(({ code }) => code === 'MISSING').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^train: no images/),
      expect.stringMatching(/^test: no meta/),
    ]);
  });

  it('looks at the other files when one cannot be read', async () => {
    const data = await makeDataset();
    await truncate(data.path('valid', 'images'), 3000);
    const findings = await deepCheck({ ...data, splits: ['valid'] });
    expect(problems(findings)).toEqual(['error BAD_HDF5']);
    expect(findings.map(({ code }) => code)).toContain('CENTER_TUMOR');
  });

  it('finds labels that are not what the meta rows say', async () => {
    const data = await makeDataset();
    const labels = await readFile(data.path('valid', 'labels'));
    labels[2048] = labels[2048] ? 0 : 1;
    await writeFile(data.path('valid', 'labels'), labels);
    const findings = await deepCheck({ ...data, splits: ['valid'] });
    expect(problems(findings)).toEqual(['warning BALANCE', 'error CENTER_TUMOR']);
    expect(findings.find(({ code }) => code === 'CENTER_TUMOR')!.message).toMatch(/1 of 6 labels .* at 0$/);
  });

  it.each([
    [100, 'info'],
    [99, 'info'],
    [98, 'info'],
    [97, 'warning'],
    [103, 'warning'],
  ])(
    'reports %i of 200 positive labels as %s: the real splits are near half, not at half',
    async (n, level) => {
      const data = await makeDataset({ valid: 200 });
      const file = await readFile(data.path('valid', 'labels'));
      for (let i = 0; i < 200; i++) file[2048 + i] = i < n ? 1 : 0;
      await writeFile(data.path('valid', 'labels'), file);
      for (const dataset of ['pcam', 'mine']) {
        const findings = await deepCheck({
          ...data,
          manifest: { ...data.manifest, dataset },
          splits: ['valid'],
        });
        const balance = findings.find(({ code }) => code === 'BALANCE')!;
        expect(balance.level).toBe(level);
        expect(balance.message).toContain(`${n} of 200 labels are 1 (${(n / 2).toFixed(2)} %)`);
      }
    },
  );

  it('finds numbers that differ and labels that are none', async () => {
    const data = await makeDataset();
    await appendFile(data.path('test', 'meta'), '4,1,1,True,True,slide\n');
    const labels = await readFile(data.path('train', 'labels'));
    labels[2050] = 9;
    await writeFile(data.path('train', 'labels'), labels);
    expect(problems(await deepCheck(data))).toEqual(['error BAD_DATA', 'error ROWS']);
  });

  it('finds a slide in two splits', async () => {
    const data = await makeDataset();
    const meta = await readFile(data.path('valid', 'meta'), 'utf8');
    const shared = (await readFile(data.path('train', 'meta'), 'utf8')).match(
      /camelyon16_train_tumor_\d+/,
    )![0];
    await writeFile(data.path('valid', 'meta'), meta.replaceAll(/camelyon16_train_tumor_\d+/g, shared));
    const findings = await deepCheck(data);
    expect(problems(findings)).toEqual(['error SLIDE_OVERLAP']);
    expect(findings.at(-1)!.message).toContain(`train and valid share 1 of their slides: ${shared}`);
  });

  it.skipIf(process.platform !== 'linux')(
    'does not call a file wrong that the disk cannot read',
    async () => {
      const data = await makeDataset();
      await rm(data.path('valid', 'labels'));
      await symlink('/proc/self/mem', data.path('valid', 'labels'));
      await expect(deepCheck({ ...data, splits: ['valid'] })).rejects.toMatchObject({
        code: 'IO',
        exitCode: 5,
      });
    },
  );

  it('ends on abort, or when a split takes too long', async () => {
    const data = await makeDataset();
    await expect(deepCheck({ ...data, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const stop = new AbortController();
    const stopped = deepCheck({ ...data, signal: stop.signal });
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    // One that does not answer is left alone, and the next split is given to another thread.
    expect(problems(await deepCheck({ ...data, splits: ['test', 'valid'], timeout: 1 }))).toEqual([
      'error CHECK_FAILED',
      'error CHECK_FAILED',
    ]);
  });
});
