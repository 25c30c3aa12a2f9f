/** A small data set folder as a finished download leaves it. */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { createFixture } from '#pcam/fixture/fixture.js';
import { readManifest } from '#pcam/manifest/parse.js';
import { finalName, type Kind, type Manifest, type SplitName } from '#pcam/manifest/types.js';
import { FIXTURES } from './global-setup.js';
import { temporaryFolder } from './temp.js';

export interface TestDataset {
  /** The folder with the decompressed files. */
  readonly dir: string;
  readonly manifest: Manifest;
  /** Path of one decompressed file. */
  path(split: SplitName, kind: Kind): string;
}

const ARCHIVES = 'archives';
const DATA = 'data';

interface Counts {
  train?: number;
  valid?: number;
  test?: number;
  seed?: number;
}

export interface TestDatasetOptions extends Counts {
  /** Name of the folder. @default data */
  name?: string;
  /** Where it goes. @default a folder that is gone when the test is over */
  root?: string;
}

export async function makeDataset(options: TestDatasetOptions = {}): Promise<TestDataset> {
  const root = options.root ?? (await temporaryFolder());
  const { train = 12, valid = 6, test = 4, seed = 1, name = 'data' } = options;
  const master = await masterOf({ train, valid, test, seed });
  const dir = join(root, name);
  await cp(join(master, ARCHIVES), join(root, ARCHIVES), { recursive: true });
  await cp(join(master, DATA), dir, { recursive: true });
  const manifest = await readManifest(join(root, ARCHIVES, 'manifest.json'));
  const path = (split: SplitName, kind: Kind) =>
    join(dir, finalName(manifest.files.find((file) => file.split === split && file.kind === kind)!));
  return { dir, manifest, path };
}

/** Makes each data set once per run of the suite; tests get copies, which they may spoil. */
async function masterOf(counts: Required<Counts>): Promise<string> {
  const folder = process.env[FIXTURES]!;
  const master = join(folder, Object.values(counts).join('-'));
  if (existsSync(master)) return master;
  const making = await mkdtemp(join(folder, 'making-'));
  await make(making, counts);
  await rename(making, master).catch(async (error) => {
    // Another test file was faster.
    if (!existsSync(master)) throw error;
    await rm(making, { recursive: true });
  });
  return master;
}

async function make(folder: string, counts: Counts): Promise<void> {
  const fixture = await createFixture({ dir: join(folder, ARCHIVES), ...counts });
  const dir = join(folder, DATA);
  await mkdir(dir);
  for (const file of (await readManifest(fixture.manifest)).files) {
    const from = join(fixture.dir, file.name);
    const to = join(dir, finalName(file));
    if (file.extracted) await pipeline(createReadStream(from), createGunzip(), createWriteStream(to));
    else await copyFile(from, to);
  }
}
