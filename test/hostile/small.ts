/** A data set of two small files in a folder that serves them, for tests that plant things around it. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { download } from '#pcam/download/download.js';
import type { DownloadOptions, DownloadResult } from '#pcam/download/options.js';
import { type Layout, layout } from '#pcam/store/layout.js';
import { archive, manifestJson, noise, plainFile, put, type TestFile } from '../support/files.js';
import { temporaryFolder } from '../support/temp.js';

const run = promisify(execFile);

export interface SmallDataset {
  readonly root: string;
  /** The folder that the manifest's only source reads. */
  readonly served: string;
  /** Path of the manifest. */
  readonly manifest: string;
  /** The data set folder; not there yet. */
  readonly dir: string;
  readonly paths: Layout;
  readonly images: TestFile;
  readonly meta: TestFile;
  download(options?: DownloadOptions): Promise<DownloadResult>;
}

export const IMAGES = 'train_x.h5';
export const META = 'train_meta.csv';

export async function smallDataset(
  files: { images?: TestFile; meta?: TestFile } = {},
): Promise<SmallDataset> {
  const root = await temporaryFolder();
  const images = files.images ?? archive(IMAGES, noise(300_000));
  const meta = files.meta ?? plainFile(META, Buffer.from('wsi\nslide\n'));
  const served = await put(join(root, 'served'), {
    [images.file.name]: images.served,
    [meta.file.name]: meta.served,
  });
  const sources = { folder: { type: 'file', baseUrl: './served' } };
  const manifest = join(root, 'manifest.json');
  await put(root, { 'manifest.json': JSON.stringify(manifestJson([images, meta], sources)) });
  const dir = join(root, 'pcam');
  return {
    root,
    served,
    manifest,
    dir,
    paths: layout(dir),
    images,
    meta,
    download: (options = {}) => download({ dir, manifest, ...options }),
  };
}

export async function pipe(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await run('mkfifo', [path]);
  return path;
}

/** Every file below a folder with its text, to show that nothing was touched. */
export async function contents(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length + 1)] = entry.isFile() ? await readFile(path, 'utf8') : '(no file)';
  }
  return found;
}
