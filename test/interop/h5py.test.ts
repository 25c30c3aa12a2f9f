import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArrayPlace, readPlace } from '#pcam/dataset/hdf5-chunks.js';
import { openImages } from '#pcam/dataset/images.js';
import { readLabels } from '#pcam/dataset/labels.js';
import { openSplit } from '#pcam/dataset/split.js';
import { SPLITS } from '#pcam/manifest/types.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { start } from '../support/process.js';
import { sharedFolder } from '../support/temp.js';
import { requireTool, runTool } from '../support/tools.js';

const here = import.meta.dirname;
const h5py = await requireTool('h5py');
const torchvision = await requireTool('torchvision');

describe.skipIf(!h5py)('what h5py wrote', () => {
  let folder: string;
  let remove: () => Promise<void>;
  let x: Buffer;
  let y: Buffer;
  let names: string[];
  beforeAll(async () => {
    ({ folder, remove } = await sharedFolder());
    await runTool(h5py!, [join(here, 'write_variants.py'), folder]);
    [x, y] = await Promise.all([readFile(join(folder, 'x.raw')), readFile(join(folder, 'y.raw'))]);
    names = await readdir(folder);
  });
  afterAll(() => remove());

  it('has its patches read exactly, contiguous, chunked and compressed', async () => {
    const files = names.filter((name) => /^x-.*h5$/.test(name));
    expect(files).toHaveLength(12);
    for (const name of files) {
      const images = await openImages({ file: join(folder, name), path: 'x', shape: [40, 96, 96, 3] });
      expect(images.count).toBe(40);
      for (const [start, end] of [
        [0, 40],
        [39, 40],
        [5, 5],
        [6, 23],
        [0, 1],
      ] as const) {
        const expected = x.subarray(start * 27648, end * 27648);
        expect(Buffer.compare(images.read(start, end), expected), `${name} ${start}-${end}`).toBe(0);
      }
      images.close();
    }
  });

  it('has its labels read exactly, of every integer type', async () => {
    const files = names.filter((name) => /^y-.*h5$/.test(name));
    expect(files).toHaveLength(12);
    for (const name of files) {
      const labels = await readLabels({ file: join(folder, name), path: 'y', count: 40 });
      expect(Buffer.compare(labels, y), name).toBe(0);
    }
  });

  it('lies where pcam says', async () => {
    const files = names.filter((name) => /^(x|y|place)-.*h5$/.test(name));
    const places = files.map((name) => readPlace(join(folder, name), name.startsWith('y') ? 'y' : 'x'));
    const known = files.flatMap((name, i) => (places[i] ? [[join(folder, name), places[i]] as const] : []));
    const list = join(folder, 'places.json');
    await writeFile(list, JSON.stringify(Object.fromEntries(known)));
    await runTool(h5py!, [join(here, 'check_places.py'), list]);
    const form = (place: ArrayPlace | null) =>
      place?.chunks ? (place.chunks.offsets ? 'list' : 'stride') : (place?.layout ?? 'unknown');
    const forms = Object.fromEntries(files.map((name, i) => [name.slice(0, -3), form(places[i]!)]));
    expect(forms).toMatchObject({
      'x-contiguous-earliest': 'contiguous',
      'x-contiguous-latest': 'contiguous',
      'x-patch-chunks-earliest': 'stride',
      'x-patch-chunks-latest': 'stride',
      'x-split-chunks-latest': 'chunked',
      'x-gzip-earliest': 'chunked',
      'y-big-int64': 'contiguous',
      'y-bool': 'unknown',
      'place-in-order-earliest': 'stride',
      'place-shuffled-earliest': 'list',
      'place-shuffled-latest': 'list',
      'place-holes-earliest': 'chunked',
      'place-holes-latest': 'chunked',
      'place-many-earliest': 'list',
      'place-many-latest': 'list',
      'place-many-holes-earliest': 'chunked',
      'place-many-holes-latest': 'chunked',
      'place-one-chunk-latest': 'stride',
      'place-growing-earliest': 'stride',
      'place-growing-latest': 'chunked',
      'place-filtered-latest': 'chunked',
      'place-attributes-earliest': 'stride',
      'place-attributes-latest': 'stride',
      'place-early-latest': 'stride',
      'place-compact-earliest': 'compact',
      'place-group-earliest': 'contiguous',
      'place-group-latest': 'unknown',
    });
  });

  it('cannot fill the memory with a chunk that unpacks to a gigabyte', async () => {
    const script = join(folder, 'bomb.mjs');
    await writeFile(
      script,
      `import { openImages } from ${JSON.stringify(import.meta.resolve('#pcam/dataset/images.js'))};
       const images = await openImages({ file: ${JSON.stringify(join(folder, 'bomb.h5'))}, path: 'x' });
       let code;
       try { images.read(0, 1); } catch (error) { code = error.code; }
       console.log(JSON.stringify({ code, megabytes: process.resourceUsage().maxRSS / 1024 }));`,
    );
    const { stdout } = await start(script, []).ended;
    const { code, megabytes } = JSON.parse(stdout);
    expect(code).toBe('BAD_HDF5');
    // Far less than the gigabyte, for HDF5 and everything else in that process.
    expect(megabytes).toBeLessThan(900);
  });

  const refused: Record<string, RegExp> = {
    'external-link': /link into another file/,
    'soft-link': /soft link/,
    virtual: /virtual/,
    'external-storage': /bytes/,
    group: /found a group/,
    missing: /found only images/,
    lzf: /filter 32000/,
    float: /uint8.*float32/,
    signed: /uint8.*int8/,
    shape: /\(N, 96, 96, 3\).*\(2, 96, 96\)/,
    scalar: /shape/,
    text: /shape/,
    compound: /expected shape/,
    empty: /shape/,
    unwritten: /bytes/,
    'large-chunks': /bytes/,
    'many-chunks': /chunks/,
  };
  it.each(Object.entries(refused))('is refused: %s', async (name, message) => {
    const file = join(folder, `bad-${name}.h5`);
    await expect(openImages({ file, path: 'x' })).rejects.toMatchObject({
      code: 'BAD_HDF5',
      message: expect.stringMatching(message),
    });
  });
});

describe('what a fixture holds', () => {
  let data: TestDataset;
  const expected: Record<string, { images: string; labels: number[] }> = {};
  let release: () => Promise<void>;
  beforeAll(async () => {
    const { folder, remove } = await sharedFolder();
    release = remove;
    data = await makeDataset({ train: 20, valid: 7, test: 4, name: 'pcam', root: folder });
    for (const split of SPLITS) {
      const open = await openSplit({ ...data, split });
      const images = createHash('md5').update(open.readPatches(0, open.count)).digest('hex');
      expected[split] = { images, labels: [...open.labels] };
      open.close();
    }
  });
  afterAll(() => release());

  it.skipIf(!h5py)('is what h5py reads, laid out as upstream', async () => {
    const found = JSON.parse(await load(h5py!, 'h5py'));
    expect(found).toMatchObject(expected);
    expect(found.valid).toMatchObject({
      keys: ['x', 'y'],
      dtypes: ['uint8', 'uint8'],
      shapes: [
        [7, 96, 96, 3],
        [7, 1, 1, 1],
      ],
      chunks: [null, null],
      offsets: [2048, 2048],
    });
  });

  it.skipIf(!torchvision || !h5py)('is what torchvision.datasets.PCAM loads', async () => {
    expect(JSON.parse(await load(torchvision!, 'torchvision'))).toEqual(expected);
  });

  const load = (python: string, reader: string) =>
    runTool(python, [join(here, 'read_fixture.py'), dirname(data.dir), reader]);
});
