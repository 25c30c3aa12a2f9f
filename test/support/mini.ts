/** Small data sets of random bytes: one file or a few, made in milliseconds, with right digests. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseManifest } from '#pcam/manifest/parse.js';
import type { Manifest } from '#pcam/manifest/types.js';

export interface MiniFile {
  /** Bytes before compression; random, so that the archive is about as large. */
  bytes: number;
  split?: 'train' | 'valid' | 'test';
  kind?: 'images' | 'labels' | 'meta';
  /** An archive that is decompressed; otherwise the file is what it is. */
  gzip?: boolean;
  /** Letters in place of random bytes: the archive is tiny. */
  compressible?: boolean;
  /** The manifest does not say how large it is. */
  sizeUnknown?: boolean;
}

export interface Mini {
  /** Holds what a server serves. */
  readonly folder: string;
  /** Names of the files as served, and as they lie in the data set folder in the end. */
  readonly names: readonly string[];
  readonly finals: readonly string[];
  /** The bytes behind the final names. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Bytes of what is served, by name. */
  readonly served: ReadonlyMap<string, Buffer>;
  /** A manifest with these sources, ids in the order of preference. */
  manifest(sources: Record<string, object>): Manifest;
  /** The same as JSON, for the command line. */
  json(sources: Record<string, object>): object;
}

const ENDINGS = { images: '_x.h5', labels: '_y.h5', meta: '_meta.csv' };

export async function makeMini(folder: string, files: readonly MiniFile[]): Promise<Mini> {
  await mkdir(folder, { recursive: true });
  const contents = new Map<string, Buffer>();
  const served = new Map<string, Buffer>();
  const entries: object[] = [];
  for (const {
    compressible,
    bytes,
    split = 'valid',
    kind = 'images',
    gzip = false,
    sizeUnknown = false,
  } of files) {
    const final = `camelyonpatch_level_2_split_${split}${ENDINGS[kind]}`;
    const content = compressible ? Buffer.alloc(bytes, final) : randomBytes(bytes);
    const name = gzip ? `${final}.gz` : final;
    const data = gzip ? gzipSync(content, { level: 1 }) : content;
    await writeFile(join(folder, name), data);
    contents.set(final, content);
    served.set(name, data);
    entries.push({
      name,
      split,
      kind,
      ...(sizeUnknown ? {} : { bytes: data.length }),
      md5: hash('md5', data),
      sha256: hash('sha256', data),
      gdriveId: `1${hash('md5', Buffer.from(name))}`,
      ...(gzip && {
        extracted: { name: final, md5: hash('md5', content), ...(sizeUnknown ? {} : { bytes }) },
      }),
    });
  }
  const json = (sources: Record<string, object>) => ({
    schemaVersion: 1,
    dataset: 'mini',
    sources,
    files: entries,
  });
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(json({})));
  return {
    folder,
    names: [...served.keys()],
    finals: [...contents.keys()],
    contents,
    served,
    json,
    manifest: (sources) => parseManifest(json(sources)),
  };
}

export function hash(algorithm: 'md5' | 'sha256', data: Uint8Array): string {
  return createHash(algorithm).update(data).digest('hex');
}
