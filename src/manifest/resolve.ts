/** Which manifest a data set folder is judged by. */
import { join, resolve } from 'node:path';
import { fsError, showUrl, systemCode } from '../core/index.js';
import { readSmallFile, UnfitFile } from '../fs/index.js';
import { BUILT_IN_MANIFEST, MAX_MANIFEST_BYTES, parseJson, parseManifest, readManifest } from './parse.js';
import { isRecord, type Manifest, type ManifestOrigin } from './types.js';

/**
 * The manifest that was given, or else: the folder's own `manifest.json` (of a subset or a fixture), the copy that
 * `download` kept of the manifest that was named, the built-in one.
 * @param given parsed, or a path
 * @param dir the data set folder; absent: nothing is looked for in a folder
 * @throws PcamError BAD_MANIFEST
 */
export async function resolveManifest(
  given: Manifest | string | undefined,
  dir?: string,
): Promise<Manifest & { origin: ManifestOrigin }> {
  if (typeof given === 'object')
    return { ...given, origin: given.origin ?? { kind: 'named', builtIn: false } };
  if (given !== undefined) {
    const builtIn = resolve(given) === resolve(BUILT_IN_MANIFEST);
    return { ...(await readManifest(given)), origin: { kind: 'named', path: resolve(given), builtIn } };
  }
  const own = dir === undefined ? undefined : await readOwn(join(dir, 'manifest.json'));
  if (own && 'files' in own) return own;
  const kept = dir === undefined ? undefined : await readKept(keptManifest(dir));
  if (kept) return kept;
  const builtIn = await readManifest();
  return {
    ...builtIn,
    origin: { kind: 'built-in', path: BUILT_IN_MANIFEST, builtIn: true, ignored: own?.ignored },
  };
}

/** Where `download` keeps the manifest that was named. */
export function keptManifest(dir: string): string {
  return join(dir, '.pcam', 'manifest.json');
}

/** A manifest as JSON for that copy: folders absolute, URLs without user names, passwords and queries. */
export function manifestText({ origin: _, subsetOf, sources, ...manifest }: Manifest): string {
  const entries = sources.map(({ id, type, baseUrl, record }) => [
    id,
    { type, baseUrl: type === 'file' ? baseUrl : showUrl(baseUrl), record },
  ]);
  const subset = subsetOf && { subset: { origin: subsetOf } };
  const json = { schemaVersion: 1, ...manifest, sources: Object.fromEntries(entries), ...subset };
  return `${JSON.stringify(json, null, 2)}\n`;
}

type Resolved = Manifest & { origin: ManifestOrigin };

/** @returns what is not a manifest of pcam as `ignored`; undefined where there is nothing */
async function readOwn(path: string): Promise<Resolved | { ignored: string } | undefined> {
  let text: string;
  try {
    text = await readSmallFile(path, { maxBytes: MAX_MANIFEST_BYTES });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined;
    // A directory, a pipe, gigabytes.
    if (error instanceof UnfitFile) return { ignored: path };
    throw fsError(error, `reading ${path}`);
  }
  if (!isOurs(text)) return { ignored: path };
  const manifest = parseManifest(parseJson(text, path), { path });
  return { ...manifest, origin: { kind: 'folder', path: resolve(path), builtIn: false } };
}

/** Many tools have a manifest.json (npm packages, browser extensions, Docker images): pcam's has these fields. */
function isOurs(text: string): boolean {
  try {
    const json: unknown = JSON.parse(text);
    return isRecord(json) && 'schemaVersion' in json && ('files' in json || 'sources' in json);
  } catch {
    return /"schemaVersion"/.test(text) && /"(files|sources)"/.test(text);
  }
}

/** @returns undefined where there is none, or where it is another user's: then the lock of that user counts */
async function readKept(path: string): Promise<Resolved | undefined> {
  try {
    return { ...(await readManifest(path)), origin: { kind: 'kept', path: resolve(path), builtIn: false } };
  } catch (error) {
    const code = systemCode((error as Error).cause);
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(code)) return undefined;
    throw error;
  }
}
