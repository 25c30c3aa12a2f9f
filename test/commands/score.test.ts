/** `pcam score`: what it prints, its exit codes, and the way from its errors to their pictures. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLabels } from '#pcam/dataset/labels.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { runPcam } from '../support/in-process.js';
import { sharedFolder } from '../support/temp.js';

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
let labels: Uint8Array;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 12, valid: 300, test: 300, root: root.folder });
  labels = await readLabels({ file: data.path('test', 'labels'), path: 'y' });
});
afterAll(() => root.remove());

const at = (name: string) => join(root.folder, name);

async function save(
  name: string,
  header: string,
  cells: (label: number, i: number) => string,
): Promise<string> {
  await writeFile(at(name), `${header}\n${Array.from(labels, cells).join('\n')}\n`);
  return at(name);
}

const noise = (i: number) => ((i * 37) % 83) / 83;
const fair = (label: number, i: number) => `${(label + 2 * noise(i)) / 3}`;

const run = (...args: string[]) =>
  runPcam(['score', ...args, '-d', data.dir, '--manifest', join(root.folder, 'archives', 'manifest.json')]);

describe('for people', () => {
  it('prints tables of 80 columns, the worst slides, and the row for the table of PCam', async () => {
    const file = await save('p.csv', 'prob', fair);
    const { code, stdout, stderr } = await run(file, '--compare', file, '--bootstrap', '100');
    expect(code, stderr).toBe(0);
    for (const words of [/^AUC +0\.\d{4} /m, /^at 0\.5 \(default\)$/m, /^worst slides/m, /^0\.9 to 1\.0 /m]) {
      expect(stdout).toMatch(words);
    }
    expect(stdout).toMatch(
      /^ {2}\| your model \| \[reference\] \| augmentations \| \d\d\.\d \| \d\d\.\d \| \d\.\d{3} \| \|$/m,
    );
    expect(stdout).toContain('Not distinguishable on these');
    expect(stdout).toContain('Both take patches as independent');
    const tables = stdout
      .split('\n')
      .filter((line) => /^( {2})?[\w ,]+ {2}/.test(line) && !line.includes(' minus '));
    for (const line of tables) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it('makes scores from outside harmless', async () => {
    const file = await save('\u001b[31mred.csv', 'prob', fair);
    expect((await run(file, '--bootstrap', '0')).stdout).not.toContain('\u001b');
  });

  it('leads from the errors to their pictures', async () => {
    const file = await save('p.csv', 'prob', fair);
    const { stderr } = await run(file, '--errors', at('wrong.txt'), '--bootstrap', '0');
    const wrong = (await readFile(at('wrong.txt'), 'utf8')).trim().split('\n');
    expect(stderr).toContain(`${wrong.length} wrong patches`);
    const command = /preview --split test --indices .*wrong\.txt/.exec(stderr);
    expect(command).not.toBeNull();
    const sheet = at('sheet.png');
    const words = ['preview', '--split', 'test', '--indices', at('wrong.txt'), '-o', sheet, '--json'];
    const shown = await runPcam([
      ...words,
      '-d',
      data.dir,
      '--manifest',
      join(root.folder, 'archives', 'manifest.json'),
    ]);
    const { patches } = JSON.parse(shown.stdout) as { patches: { split: string; index: number }[] };
    expect(patches.map(({ split, index }) => `${split},${index}`).sort()).toEqual(wrong.sort());
  });
});

describe('with --json', () => {
  it('prints the document alone', async () => {
    const file = await save('p.csv', 'prob', fair);
    const { code, stdout } = await run(
      file,
      '--json',
      '--bootstrap',
      '20',
      '--as',
      'probability',
      '--seed',
      '4',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, split: 'test', as: 'probability', findings: [] });
  });

  it('warns with exit code 0', async () => {
    const file = await save('p.csv', 'prob', (label) => String(label));
    const { code, stdout } = await run(file, '--json', '--bootstrap', '20');
    expect(code).toBe(0);
    const { findings } = JSON.parse(stdout) as { findings: { code: string }[] };
    expect(findings.map(({ code }) => code)).toEqual(['PERFECT', 'LABELS']);
  });

  it.each<[number, string, string, string[]]>([
    [2, 'USAGE', 'tumor', []],
    [2, 'USAGE', 'prob', ['--column', 'mine']],
    [2, 'USAGE', 'prob', ['--as', 'decision']],
    [2, 'USAGE', 'prob', ['--as', 'logits']],
    [2, 'USAGE', 'prob', ['--threshold', 'half']],
    [2, 'USAGE', 'prob', ['--split', 'all-of-them']],
    [2, 'USAGE', 'prob', ['--compare-valid', 'x.csv']],
    [3, 'BAD_DATA', 'prob', ['--split', 'train']],
  ])('fails with %d, %s: a column %s, %j', async (code, name, header, more) => {
    const file = await save('p.csv', header, fair);
    const ended = await run(file, '--json', ...more);
    expect(ended.code).toBe(code);
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: false, error: { code: name } });
  });
});
