/** Croissant documents by the rules of the specification that can be checked without mlcommons' validator. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportDataset } from '#pcam/export/index.js';
import { makeDataset, type TestDataset } from '../../support/dataset.js';
import { sharedFolder } from '../../support/temp.js';
import { sha256, treeOf } from '../../support/tree.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');

interface Node {
  '@type': string;
  '@id': string;
  [property: string]: unknown;
}
interface Document extends Record<string, unknown> {
  distribution: Node[];
  recordSet?: (Node & { field: (Node & { source: object })[]; data?: object[] })[];
}

let root: string;
let data: TestDataset;
let out: string;
let exported: Document;
beforeAll(async () => {
  const { folder, remove } = await sharedFolder();
  root = folder;
  data = await makeDataset({ train: 40, valid: 12, test: 8, root });
  out = join(root, 'out');
  await exportDataset({ dir: data.dir, manifest: data.manifest, format: 'parquet', shardSize: 16, out });
  exported = JSON.parse(await readFile(join(out, 'croissant.json'), 'utf8'));
  return remove;
});

const packaged = async (): Promise<Document> =>
  JSON.parse(await readFile(join(ROOT, 'croissant.json'), 'utf8'));

describe.each([
  ['of a Parquet export', async () => exported],
  ['of the data set', packaged],
])('the croissant.json %s', (_, read) => {
  it('has every property that the specification requires, and a context that names all terms', async () => {
    const document = await read();
    expect(document).toMatchObject({
      '@type': 'sc:Dataset',
      conformsTo: 'http://mlcommons.org/croissant/1.0',
      name: expect.any(String),
      description: expect.any(String),
      license: expect.stringMatching(/^https:/),
      url: expect.stringMatching(/^https:/),
      datePublished: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
    expect(document.creator).toContainEqual({ '@type': 'sc:Person', name: 'B. S. Veeling' });
    const context = document['@context'] as Record<string, unknown>;
    // mlcroissant calls a context without these two non-standard.
    expect(context).toMatchObject({ equivalentProperty: expect.anything(), samplingRate: expect.anything() });
    for (const [, prefix] of JSON.stringify(document).matchAll(/"(sc|cr|wd|dct):\w+"/g))
      expect(context).toHaveProperty(prefix!);
  });

  it('describes every file with an address, a media type and one digest', async () => {
    for (const node of (await read()).distribution) {
      expect(['cr:FileObject', 'cr:FileSet']).toContain(node['@type']);
      expect(node.encodingFormat).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
      if (node['@type'] === 'cr:FileSet') continue;
      expect(node.contentUrl).toEqual(expect.any(String));
      expect([node.md5, node.sha256].filter((digest) => digest !== undefined)).toHaveLength(1);
    }
  });

  it('uses each @id once, and refers to none that is not there', async () => {
    const document = await read();
    const ids: string[] = [];
    const references: string[] = [];
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      const { '@id': id, '@type': type } = value as Partial<Node>;
      if (id) (type ? ids : references).push(id);
      for (const [key, inner] of Object.entries(value)) if (key !== '@context') walk(inner);
    };
    walk(document);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of references) expect(ids).toContain(id);
  });
});

describe('the croissant.json of a Parquet export', () => {
  it('lists the shards with their SHA-256', async () => {
    const shards = exported.distribution.filter((node) => node['@type'] === 'cr:FileObject');
    expect(shards).toHaveLength(5);
    for (const { contentUrl, sha256: digest, contentSize } of shards) {
      const bytes = await readFile(join(out, contentUrl as string));
      expect([sha256(bytes), `${bytes.length} B`]).toEqual([digest, contentSize]);
    }
  });

  it('maps the columns of the shards to fields, and the name of a shard to its split', () => {
    const [splits, patches] = exported.recordSet!;
    expect(splits!.data!.map((row) => Object.values(row)[0])).toEqual(['train', 'validation', 'test']);
    const fields = Object.fromEntries(patches!.field.map((field) => [field['@id'], field]));
    expect(Object.keys(fields)).toEqual(
      ['split', 'image', 'label', 'wsi', 'coord_x', 'coord_y', 'tumor_patch', 'center_tumor_patch'].map(
        (name) => `patches/${name}`,
      ),
    );
    expect(fields['patches/image']).toMatchObject({
      dataType: 'sc:ImageObject',
      source: { extract: { column: 'image' }, transform: { jsonPath: 'bytes' } },
    });
    const { regex } = (fields['patches/split']!.source as { transform: { regex: string } }).transform;
    for (const file of ['data/validation-00000-of-00013.parquet', 'validation'])
      expect(new RegExp(`^${regex}`).exec(file)?.[1]).toBe('validation');
  });
});

it('goes with the shards that it describes, when another export takes their place', async () => {
  const { dir, manifest } = data;
  const other = join(root, 'other');
  await exportDataset({ dir, manifest, format: 'parquet', splits: ['test'], out: other });
  await exportDataset({ dir, manifest, format: 'raw', splits: ['test'], out: other, force: true });
  expect(Object.keys(await treeOf(other))).toEqual([
    'index.json',
    'pcam-test-x-000000.npy',
    'pcam-test-y-000000.npy',
  ]);
});
