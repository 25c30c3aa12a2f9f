/** `info`: the files of the manifest, and their state in the folder, without reading them. */
import { DEFAULTS, showUrl } from '../core/index.js';
import { type ArrayPlace, arrayOf, locate, readPlace } from '../dataset/index.js';
import { statFile } from '../fs/index.js';
import { holds } from '../inventory/index.js';
import {
  contentsOf,
  type DatasetFile,
  type Kind,
  type Manifest,
  resolveManifest,
  type Selection,
  type SourceConfig,
  type SplitName,
  selectFiles,
} from '../manifest/index.js';
import { HttpClient } from '../net/index.js';
import { openSource } from '../sources/index.js';
import { layout, Receipts, statPartials } from '../store/index.js';

export interface InfoOptions extends Selection {
  /** @default 'pcam' */
  dir?: string;
  /** @default the built-in one */
  manifest?: Manifest | string;
}

/**
 * - `verified`: it is there, and nothing changed since it was verified (by its receipt)
 * - `unverified`: something is there under its name that was not verified, or changed since
 * - `corrupt`: it was found wrong when it was verified, and nothing changed since
 * - `archive`: the archive alone is there, verified or not
 * - `partial`: a download was started
 * - `missing`
 */
export type FileState = 'verified' | 'unverified' | 'corrupt' | 'archive' | 'partial' | 'missing';

export interface FileInfo {
  name: string;
  split: SplitName;
  kind: Kind;
  bytes: number | null;
  md5: string;
  sha256: string | null;
  extracted: { name: string; md5: string; bytes: number | null } | null;
  /** Ids of the sources that have it. */
  sources: string[];
  /** Where each of them has it, without credentials: for a browser, or a folder of this machine. */
  urls: { source: string; url: string }[];
  state: FileState;
  /** How the array is stored in the .h5 that is in the folder; `null` where that is not known, and for a CSV. */
  hdf5: ArrayPlace | null;
}

export interface InfoResult {
  ok: true;
  dataset: string;
  homepage: string | null;
  license: string | null;
  citation: readonly string[];
  dir: string;
  sources: readonly SourceConfig[];
  files: FileInfo[];
}

export async function info(options: InfoOptions = {}): Promise<InfoResult> {
  const dir = options.dir ?? DEFAULTS.dir;
  const manifest = await resolveManifest(options.manifest, dir);
  const { dataset, homepage = null, license = null, citation, sources } = manifest;
  const receipts = new Receipts(layout(dir));
  const files = await Promise.all(
    selectFiles(manifest, options).map(async (file): Promise<FileInfo> => {
      const { name, split, kind, bytes = null, md5, sha256 = null } = file;
      const extracted = file.extracted ? { ...file.extracted, bytes: file.extracted.bytes ?? null } : null;
      const state = await stateOf(file, dir, receipts);
      const urls = urlsOf(sources, file);
      return {
        name,
        split,
        kind,
        bytes,
        md5,
        sha256,
        extracted,
        sources: urls.map(({ source }) => source),
        urls,
        state,
        hdf5: placeOf({ dir, manifest, split, kind }),
      };
    }),
  );
  return { ok: true, dataset, homepage, license, citation, dir, sources: sources.map(shown), files };
}

function placeOf(query: {
  dir: string;
  manifest: Manifest;
  split: SplitName;
  kind: Kind;
}): ArrayPlace | null {
  const { kind } = query;
  if (kind === 'meta' || !locate(query)?.present) return null;
  try {
    const { file, path } = arrayOf({ ...query, kind });
    return readPlace(file, path);
  } catch {
    // A file that cannot be read: `verify` says why.
    return null;
  }
}

/** As results may show it: user names, passwords and tokens stay in the manifest. */
function shown(source: SourceConfig): SourceConfig {
  return source.type === 'file' ? source : { ...source, baseUrl: showUrl(source.baseUrl) };
}

async function stateOf(file: DatasetFile, dir: string, receipts: Receipts): Promise<FileState> {
  const paths = layout(dir);
  const { final, archive } = contentsOf(file);
  const stats = await statFile(paths.final(final.name)).catch(() => undefined);
  if (stats) {
    const digests = await receipts.find(final.name, stats, 'mtime');
    if (!digests) return 'unverified';
    return holds({ digests }, final) ? 'verified' : 'corrupt';
  }
  if (archive && (await statFile(paths.final(archive.name)).catch(() => undefined))) return 'archive';
  return (await statPartials(paths.partial, file)).exists ? 'partial' : 'missing';
}

/** Asks each source itself; nothing is sent. */
function urlsOf(configs: readonly SourceConfig[], file: DatasetFile): FileInfo['urls'] {
  const client = new HttpClient();
  return configs
    .map((config) => openSource(config, { client }))
    .filter((source) => source.has(file))
    .map((source) => ({ source: source.id, url: source.urlOf(file) }));
}
