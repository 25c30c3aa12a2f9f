/** Exports as the tools read them that people train with. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSplit } from '#pcam/dataset/split.js';
import { exportDataset } from '#pcam/export/export.js';
import type { ExportOptions } from '#pcam/export/options.js';
import { cropPatches } from '#pcam/export/workers/source.js';
import { SPLITS } from '#pcam/manifest/types.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { requireDuckDB } from '../support/duckdb.js';
import { decodePng } from '../support/png.js';
import { sharedFolder } from '../support/temp.js';
import { requireTool, runTool } from '../support/tools.js';

const pil = await requireTool('pil');
const torchvision = await requireTool('torchvision');
const protobuf = await requireTool('protobuf');
const duckdb = await requireDuckDB();
const script = join(import.meta.dirname, 'check_export.py');
const COUNTS = { train: 50, valid: 20, test: 10 };

let root: { folder: string; remove: () => Promise<void> };
let data: TestDataset;
beforeAll(async () => {
  root = await sharedFolder();
  data = await makeDataset({ ...COUNTS, root: root.folder });
});
afterAll(() => root.remove());

async function exported(options: Partial<ExportOptions> & Pick<ExportOptions, 'format'>): Promise<string> {
  const name = [options.format, options.layout, options.crop, options.index].join('-');
  const out = join(root.folder, name);
  await exportDataset({ dir: data.dir, manifest: data.manifest, out, shardSize: 16, workers: 1, ...options });
  return out;
}

async function check(python: string, kind: string, out: string, side = 96): Promise<void> {
  const text = await runTool(python, [script, kind, data.dir, out, String(side)]);
  expect(JSON.parse(text)).toEqual(COUNTS);
}

describe.skipIf(!pil)('h5py and PIL find every pixel, label and meta row', () => {
  it('in WebDataset shards, which tarfile and the DALI index agree about', async () => {
    const out = await exported({ format: 'png', index: 'dali' });
    await check(pil!, 'webdataset', out);
    await promisify(execFile)('tar', ['-tf', join(out, 'pcam-train-000000.tar')]);
  });

  it('in WebDataset shards of the centre', async () => {
    const options = { format: 'png', index: 'dali', crop: 'center32' } as const;
    await check(pil!, 'webdataset', await exported(options), 32);
  });

  it('in an image folder, by its metadata.csv', async () => {
    const out = await exported({ format: 'png', layout: 'folder' });
    await check(pil!, 'imagefolder', out);
    // The lists are what sha256sum writes and checks.
    const list = '.train-000001.sha256';
    await promisify(execFile)('sha256sum', ['--check', '--strict', '--quiet', list], { cwd: out });
  });

  it('in NumPy shards that are mapped', async () => {
    await check(pil!, 'shards-npy', await exported({ format: 'raw' }));
    await check(pil!, 'shards-npy', await exported({ format: 'raw', crop: 'center32' }), 32);
  });

  it('in one NumPy file a split', async () => {
    await check(pil!, 'folder-npy', await exported({ format: 'raw', layout: 'folder' }));
  });
});

describe.skipIf(!torchvision || !pil)("torchvision's ImageFolder", () => {
  it('loads every image with its label', async () => {
    await check(torchvision!, 'torchvision', await exported({ format: 'png', layout: 'folder' }));
  });
});

describe.skipIf(!protobuf)("Python's protobuf and a second CRC-32C", () => {
  const tfrecordScript = join(import.meta.dirname, 'check_tfrecord.py');

  it.each([96, 32])(
    'read every record of the TFRecord files, %s px, by the names that TFDS looks for',
    async (side) => {
      const crop = side === 32 ? ('center32' as const) : undefined;
      const out = await exported({ format: 'tfrecord', crop });
      expect(JSON.parse(await runTool(protobuf!, [tfrecordScript, data.dir, out, String(side)]))).toEqual(
        COUNTS,
      );
    },
  );

  it('refuse a record with one bit changed', async () => {
    const out = await exported({ format: 'tfrecord' });
    const file = join(out, 'patch_camelyon-test.tfrecord-00000-of-00001');
    const bytes = await readFile(file);
    bytes[1000]! ^= 4;
    await writeFile(file, bytes);
    await expect(runTool(protobuf!, [tfrecordScript, data.dir, out, '96'])).rejects.toThrow(
      /checksum of record 0/,
    );
  });
});

describe.skipIf(!duckdb)('DuckDB', () => {
  it.each([96, 32])('reads every row of the Parquet files, %s px', async (side) => {
    const crop = side === 32 ? ('center32' as const) : undefined;
    const out = await exported({ format: 'parquet', crop });
    const instance = await duckdb!.DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      for (const name of SPLITS) {
        const files = join(out, 'data', `${name === 'valid' ? 'validation' : name}-*.parquet`);
        const query = `select * from read_parquet('${files}') order by image.path`;
        const rows = (await (await connection.runAndReadAll(query)).getRowObjects()) as unknown as Row[];
        const split = await openSplit({ dir: data.dir, manifest: data.manifest, split: name });
        const pixels = cropPatches(split.readPatches(0, split.count), side);
        expect(rows).toHaveLength(split.count);
        rows.forEach(({ image, label, ...meta }, i) => {
          const { bytes, path } = image.entries;
          expect(path).toBe(`${name}_${String(i).padStart(6, '0')}.png`);
          const size = side * side * 3;
          const expected = pixels.subarray(i * size, (i + 1) * size);
          expect(Buffer.compare(decodePng(bytes.bytes).pixels, expected), path).toBe(0);
          expect(label).toBe(BigInt(split.labels[i]!));
          const { coord_x, coord_y, ...rest } = split.meta!.row(i);
          expect(meta).toEqual({ ...rest, coord_x: BigInt(coord_x), coord_y: BigInt(coord_y) });
        });
        split.close();
      }
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  });

  it('finds the types and features that the datasets library looks for', async () => {
    const out = await exported({ format: 'parquet' });
    const instance = await duckdb!.DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      const file = join(out, 'data', 'train-00000-of-00004.parquet');
      const types = await connection.runAndReadAll(`describe select * from read_parquet('${file}')`);
      expect(types.getRowObjects().map(({ column_name, column_type }) => [column_name, column_type])).toEqual(
        [
          ['image', 'STRUCT(bytes BLOB, path VARCHAR)'],
          ['label', 'BIGINT'],
          ['wsi', 'VARCHAR'],
          ['coord_x', 'BIGINT'],
          ['coord_y', 'BIGINT'],
          ['tumor_patch', 'BOOLEAN'],
          ['center_tumor_patch', 'BOOLEAN'],
        ],
      );
      const metadata = await connection.runAndReadAll(
        `select decode(value) as value from parquet_kv_metadata('${file}') where decode(key) = 'huggingface'`,
      );
      const features = JSON.parse(String(metadata.getRowObjects()[0]!.value)).info.features;
      expect(features.image).toEqual({ _type: 'Image' });
      expect(features.label).toEqual({ names: ['normal', 'tumor'], _type: 'ClassLabel' });
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  });
});

interface Row {
  image: { entries: { bytes: { bytes: Uint8Array }; path: string } };
  label: bigint;
  [column: string]: unknown;
}
