/** Small files as a data set has them, and manifests that describe them. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseManifest } from '#pcam/manifest/parse.js';
import type { DatasetFile, Kind, Manifest, SplitName } from '#pcam/manifest/types.js';

/** A file of the manifest with the bytes that are served and those that are to lie in the folder. */
export interface TestFile {
  readonly file: DatasetFile;
  readonly served: Buffer;
  readonly plain: Buffer;
}

export interface TestFileOptions {
  split?: SplitName;
  kind?: Kind;
  /** Leaves the size out of the manifest. */
  unsized?: boolean;
  /** Leaves the SHA-256 out of the manifest. */
  noSha256?: boolean;
  /** What is served in place of a good archive; the digests of the manifest are of these bytes. */
  served?: Buffer;
  /** More fields of the manifest's entry. */
  fields?: Partial<DatasetFile>;
}

/** A gzip archive `<name>.gz` of `plain`. */
export function archive(name: string, plain: Buffer, options: TestFileOptions = {}): TestFile {
  const served = options.served ?? gzipSync(plain);
  const extracted = { name, md5: md5(plain), bytes: plain.length };
  return { file: { ...entry(`${name}.gz`, served, options), extracted, ...options.fields }, served, plain };
}

/** A file that is served as it is. */
export function plainFile(name: string, plain: Buffer, options: TestFileOptions = {}): TestFile {
  const file = { ...entry(name, plain, { kind: 'meta', ...options }), ...options.fields };
  return { file, served: plain, plain };
}

function entry(name: string, served: Buffer, options: TestFileOptions): DatasetFile {
  const { split = 'train', kind = 'images', unsized, noSha256 } = options;
  return {
    name,
    split,
    kind,
    md5: md5(served),
    sha256: noSha256 ? undefined : sha256(served),
    bytes: unsized ? undefined : served.length,
    gdriveId: `id-${name.replace(/\W/g, '_')}`,
  };
}

export type SourceEntries = Record<string, { type: string; baseUrl: string; record?: string }>;

/** A manifest of these files, through the parser, as JSON would have it. */
export function manifestOf(files: readonly TestFile[], sources: SourceEntries): Manifest {
  return parseManifest(manifestJson(files, sources));
}

export function manifestJson(files: readonly TestFile[], sources: SourceEntries) {
  const json = { schemaVersion: 1, dataset: 'tiny', sources, files: files.map(({ file }) => file) };
  return JSON.parse(JSON.stringify(json)) as typeof json;
}

/** Writes files below `folder`, folders included; gives the folder. */
export async function put(folder: string, files: Record<string, string | Buffer>): Promise<string> {
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
  return folder;
}

/** Bytes that gzip cannot make smaller, always the same for a seed. */
export function noise(length: number, seed = 1): Buffer {
  const next = generator(seed);
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = next() * 256;
  return bytes;
}

/** Numbers from 0 to 1, always the same for a seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
