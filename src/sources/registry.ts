/** The registry of source types. A new kind of mirror is one file and one line here. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearest, PcamError, showUrl } from '../core/index.js';
import { type Manifest, parseWebUrl, type SOURCE_TYPES, type SourceConfig } from '../manifest/index.js';
import type { HttpClient } from '../net/index.js';
import { fileSource } from './file.js';
import { googleDriveSource } from './google-drive.js';
import { httpSource } from './http.js';
import type { Source, SourceContext, SourceFactory } from './source.js';
import { zenodoSource } from './zenodo.js';

const REGISTRY: Record<(typeof SOURCE_TYPES)[number], SourceFactory> = {
  'google-drive': googleDriveSource,
  zenodo: zenodoSource,
  http: httpSource,
  file: fileSource,
};

export interface SourceChoice {
  manifest: Manifest;
  /** Ids to use, in this order of preference; all of the manifest's when absent. */
  only?: readonly string[];
  /** http(s) URLs or folders, tried before all others. */
  mirrors?: readonly string[];
}

/**
 * The sources of a run in their order of preference.
 * @throws PcamError USAGE for an id that the manifest does not have, or a mirror that is neither URL nor folder
 */
export function chooseSources({ manifest, only = [], mirrors = [] }: SourceChoice): SourceConfig[] {
  const chosen =
    only.length === 0 ? [...manifest.sources] : [...new Set(only)].map((id) => findSource(manifest, id));
  const front = mirrors.map((mirror, i): SourceConfig => {
    const taken = new Set(manifest.sources.map((source) => source.id));
    let id = i === 0 ? 'mirror' : `mirror-${i + 1}`;
    while (taken.has(id)) id = `${id}_`;
    return { id, ...parseMirror(mirror) };
  });
  return [...front, ...chosen];
}

function findSource(manifest: Manifest, id: string): SourceConfig {
  const source = manifest.sources.find((candidate) => candidate.id === id);
  if (source) return source;
  const ids = manifest.sources.map((candidate) => candidate.id);
  const near = nearest(id, ids);
  throw new PcamError('USAGE', `the manifest has no source ${id}`, {
    options: ['sources'],
    hint: near ? `did you mean ${near}?` : `it has ${ids.join(', ')}`,
  });
}

function parseMirror(mirror: string): { type: string; baseUrl: string } {
  const bad = (problem: string, { hint, cause }: { hint?: string; cause?: unknown } = {}) =>
    new PcamError('USAGE', `the mirror ${problem}`, { options: ['mirrors'], hint, cause });
  if (/^https?:\/\//i.test(mirror)) {
    const parsed = parseWebUrl(mirror);
    if ('problem' in parsed) throw bad(parsed.problem);
    return { type: 'http', baseUrl: parsed.url };
  }
  if (/^file:\/\//i.test(mirror)) {
    try {
      return { type: 'file', baseUrl: fileURLToPath(mirror) };
    } catch (cause) {
      throw bad(`${showUrl(mirror)} is not a folder on this machine`, { cause });
    }
  }
  if (mirror === '') throw bad('must be a URL or a folder, not an empty string');
  // A drive of Windows, whose paths may hold @ and anything else.
  if (/^[a-z]:[\\/]/i.test(mirror)) return { type: 'file', baseUrl: resolve(mirror) };
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(mirror)) {
    throw bad(`${showUrl(mirror)} is neither an http or https URL nor a folder`);
  }
  if (/^[^/@\s]+:[^/@\s]+@/.test(mirror)) throw bad(`${showUrl(mirror)} must begin with http:// or https://`);
  if (/^(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}(\/|$)/i.test(mirror)) {
    const hint = `did you mean http://${showUrl(mirror)}? A folder of that name is ./${showUrl(mirror)}`;
    throw bad(`${showUrl(mirror)} is a host and a port, without http:// or https://`, { hint });
  }
  return { type: 'file', baseUrl: resolve(mirror) };
}

export function openSource(config: SourceConfig, context: SourceContext): Source {
  const { id, type, baseUrl } = config;
  const source = REGISTRY[type as keyof typeof REGISTRY](config, context);
  const host = type === 'file' ? undefined : new URL(baseUrl).host;
  return { id, type, host, ...source };
}

/**
 * Proxy settings that pcam cannot use are the user's to correct where every source would have to be asked that way.
 * Where one source can be reached, they are a failure of the others.
 * @throws PcamError USAGE
 */
export function requireReachable(sources: readonly SourceConfig[], client: HttpClient): void {
  let problem: unknown;
  for (const { type, baseUrl } of sources) {
    if (type === 'file') return;
    try {
      client.proxyFor(baseUrl);
      return;
    } catch (error) {
      problem ??= error;
    }
  }
  if (problem !== undefined) throw problem;
}
