/** The loaders in examples/ whose libraries Debian has, and what all have in common. python/readers runs the others. */
import { copyFile, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSplit } from '#pcam/dataset/index.js';
import { exportDataset } from '#pcam/export/index.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { PCAM } from '../support/process.js';
import { sharedFolder } from '../support/temp.js';
import { requireTool, runTool } from '../support/tools.js';

const ROOT = join(import.meta.dirname, '..', '..');
const EXAMPLES = join(ROOT, 'examples');
const python = await requireTool('h5py');
const torchvision = await requireTool('torchvision');
const scripts = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.py')).sort();

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
let expected: object;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ train: 20, valid: 150, test: 10, root: root.folder });
  const split = await openSplit({ dir: data.dir, manifest: data.manifest, split: 'valid' });
  const sum = (bytes: Uint8Array) => bytes.reduce((a, b) => a + b, 0);
  expected = {
    patches: 150,
    positive: sum(split.labels),
    pixel_sum: sum(split.readPatches(0, split.count)),
  };
  split.close();
});
afterAll(() => root.remove());

async function result(command: string, script: string, ...args: string[]): Promise<object> {
  return JSON.parse(await runTool(command, ['-W', 'ignore', join(EXAMPLES, script), ...args]));
}

describe.skipIf(!torchvision || !python)('examples that are run', () => {
  it('torchvision_pcam.py', async () => {
    await symlink(data.dir, join(root.folder, 'pcam'));
    expect(await result(torchvision!, 'torchvision_pcam.py', root.folder, 'val')).toEqual(expected);
  });

  it('h5py_dataloader.py', async () => {
    expect(await result(torchvision!, 'h5py_dataloader.py', data.dir, 'valid')).toEqual(expected);
  });

  it('numpy_memmap.py', async () => {
    const out = join(root.folder, 'raw');
    const { dir, manifest } = data;
    await exportDataset({ dir, manifest, out, format: 'raw', layout: 'folder', splits: ['valid'] });
    expect(await result(python!, 'numpy_memmap.py', out, 'valid')).toEqual(expected);
  });
});

describe.skipIf(!python)('from the data to a score', () => {
  it('score_predictions.py', async () => {
    const { dir } = await makeDataset({
      train: 300,
      valid: 300,
      test: 300,
      root: root.folder,
      name: 'scored',
    });
    await copyFile(join(root.folder, 'archives', 'manifest.json'), join(dir, 'manifest.json'));
    const out = join(root.folder, 'predictions');
    const pcam = [process.execPath, PCAM];
    expect(await result(python!, 'score_predictions.py', dir, out, ...pcam)).toMatchObject({
      accuracy: { value: expect.any(Number), interval: [expect.any(Number), expect.any(Number)] },
      findings: [],
    });
    expect((await readdir(out)).sort()).toEqual(
      expect.arrayContaining(['center-test.csv', 'score.html', 'whole-valid.csv', 'wrong.png', 'wrong.txt']),
    );
  });
});

describe.skipIf(!python)('every example', () => {
  it('is Python, and says what it needs', async () => {
    const paths = scripts.map((name) => join(EXAMPLES, name));
    const code =
      'import ast, sys\nfor p in sys.argv[1:]: print(ast.get_docstring(ast.parse(open(p).read(), p)) is not None)';
    const lines = await runTool(python!, ['-c', code, ...paths]);
    expect(lines.trim().split('\n')).toEqual(scripts.map(() => 'True'));
    for (const path of paths) expect(await readFile(path, 'utf8')).toMatch(/Needs .*\./);
  });
});

it('docs/formats.md lists every example', async () => {
  const page = await readFile(join(ROOT, 'docs', 'formats.md'), 'utf8');
  for (const name of scripts) expect(page).toContain(`(../examples/${name})`);
});
