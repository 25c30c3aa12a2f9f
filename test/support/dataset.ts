/** A small data set folder as a finished download leaves it. */
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { createFixture } from '#pcam/fixture/fixture.js';
import { readManifest } from '#pcam/manifest/parse.js';
import { finalName, type Kind, type Manifest, type SplitName } from '#pcam/manifest/types.js';
import { temporaryFolder } from './temp.js';

export interface TestDataset {
  /** The folder with the decompressed files. */
  readonly dir: string;
  readonly manifest: Manifest;
  /** Path of one decompressed file. */
  path(split: SplitName, kind: Kind): string;
}

export interface TestDatasetOptions {
  train?: number;
  valid?: number;
  test?: number;
  seed?: number;
  /** Name of the folder. @default data */
  name?: string;
  /** Where it goes. @default a folder that is gone when the test is over */
  root?: string;
}

export async function makeDataset(options: TestDatasetOptions = {}): Promise<TestDataset> {
  const root = options.root ?? (await temporaryFolder());
  const { train = 12, valid = 6, test = 4, seed = 1, name = 'data' } = options;
  const fixture = await createFixture({ dir: join(root, 'archives'), train, valid, test, seed });
  const manifest = await readManifest(fixture.manifest);
  const dir = join(root, name);
  await mkdir(dir);
  for (const file of manifest.files) {
    const from = join(fixture.dir, file.name);
    const to = join(dir, finalName(file));
    if (file.extracted) await pipeline(createReadStream(from), createGunzip(), createWriteStream(to));
    else await copyFile(from, to);
  }
  const path = (split: SplitName, kind: Kind) =>
    join(dir, finalName(manifest.files.find((file) => file.split === split && file.kind === kind)!));
  return { dir, manifest, path };
}
