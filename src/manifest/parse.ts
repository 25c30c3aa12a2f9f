/** Reads and validates a manifest (schema version 1). A manifest is untrusted: every refusal names the field. */
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  assetPath,
  assetText,
  DEVICE_NAME,
  elementsOf,
  fsError,
  PcamError,
  printable,
  showUrl,
  systemCode,
} from '../core/index.js';
import { readSmallFile, UnfitFile } from '../fs/index.js';
import {
  type DatasetFile,
  isRecord,
  isSize,
  KINDS,
  type Manifest,
  type SourceConfig,
  SPLITS,
} from './types.js';

/** The manifest that ships with pcam. */
export const BUILT_IN_MANIFEST = assetPath('manifest.json');

/** The source types that a manifest may name; sources/ has a factory for each. */
export const SOURCE_TYPES = ['google-drive', 'zenodo', 'http', 'file'] as const;

export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
const MAX_NAME_BYTES = 200;
const MAX_DIMENSIONS = 8;

/**
 * Reads a manifest file. Folders of `file` sources become absolute, relative to the manifest.
 * @throws PcamError BAD_MANIFEST, naming the field
 */
export async function readManifest(path: string = BUILT_IN_MANIFEST): Promise<Manifest> {
  const text = path === BUILT_IN_MANIFEST ? assetText('manifest.json') : await readText(path);
  return parseManifest(parseJson(text, path), { path });
}

/** @throws PcamError BAD_MANIFEST */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw bad(path, `it is not JSON: ${withoutQuotes((error as Error).message)}`);
  }
}

/** A wrong path may be that of a data file of gigabytes. */
async function readText(path: string): Promise<string> {
  try {
    return await readSmallFile(path, { maxBytes: MAX_MANIFEST_BYTES });
  } catch (error) {
    if (error instanceof UnfitFile) throw bad(path, error.message);
    if (!['ENOENT', 'ENOTDIR', 'ENXIO'].includes(systemCode(error))) {
      throw fsError(error, `reading the manifest ${path}`);
    }
    throw new PcamError('BAD_MANIFEST', `there is no manifest at ${path}`, {
      cause: error,
      hint: 'check the path; without one the built-in manifest is used',
      options: ['manifest'],
    });
  }
}

/** V8 quotes the text around the error, and there a URL with a password may be. */
function withoutQuotes(message: string): string {
  return /@|:\/\//.test(message) ? message.replace(/"[\s\S]*"/, '"…"') : message;
}

/**
 * Validates a manifest that is already parsed JSON.
 * @param options.path where it came from: named in messages, and the base of relative folders
 * @throws PcamError BAD_MANIFEST, naming the field
 */
export function parseManifest(json: unknown, { path = 'manifest' }: { path?: string } = {}): Manifest {
  if (!isRecord(json)) throw bad(path, `the manifest must be an object, not ${show(json)}`);
  const version = json.schemaVersion;
  if (version !== 1) throw bad(path, `schemaVersion is ${show(version)}; this pcam reads version 1`);
  const top = placeOf(path, '');
  const { files } = object({ files: list(file) })(json, top);
  if (files.length === 0) throw bad(path, 'files is empty');
  refuseDuplicates(path, files);
  const { subset } = json;
  // A subset of pcam's own says so, for people to be told; nothing depends on it.
  const subsetOf = isRecord(subset) && subset.origin === 'pcam' ? { subsetOf: 'pcam' as const } : {};
  return { ...description(json, top), ...subsetOf, sources: parseSources(path, json.sources), files };
}

/** Where a value is, for the message that refuses it. */
interface Place {
  readonly path: string;
  readonly field: string;
  bad(problem: string): PcamError;
}

function placeOf(path: string, field: string): Place {
  return { path, field, bad: (problem) => bad(path, `${field} ${problem}`) };
}

/** Turns what JSON has at a place into a value, or throws. */
type Parser<T> = (value: unknown, at: Place) => T;

function object<S extends Record<string, Parser<unknown>>>(
  fields: S,
): Parser<{ [K in keyof S]: ReturnType<S[K]> }> {
  return (value, at) => {
    if (!isRecord(value)) throw at.bad(`must be an object, not ${show(value)}`);
    const entries = Object.entries(fields).map(([name, parse]) => {
      const field = at.field === '' ? name : `${at.field}.${name}`;
      const own = Object.hasOwn(value, name) ? value[name] : undefined;
      return [name, parse(own, placeOf(at.path, field))];
    });
    return Object.fromEntries(entries);
  };
}

function list<T>(item: Parser<T>): Parser<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw at.bad(`must be a list, not ${show(value)}`);
    return value.map((each, i) => item(each, placeOf(at.path, `${at.field}[${i}]`)));
  };
}

function optional<T>(parse: Parser<T>): Parser<T | undefined> {
  return (value, at) => (value === undefined || value === null ? undefined : parse(value, at));
}

function oneOf<T extends string>(allowed: readonly T[]): Parser<T> {
  return (value, at) => {
    if (allowed.includes(value as T)) return value as T;
    throw at.bad(`must be one of ${allowed.join(', ')}, not ${show(value)}`);
  };
}

function matching(pattern: RegExp, meaning: string): Parser<string> {
  return (value, at) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw at.bad(`must be ${meaning}, not ${show(value)}`);
  };
}

function hex(length: number): Parser<string> {
  const parse = matching(new RegExp(`^[0-9a-f]{${length}}$`, 'i'), `${length} hex digits`);
  return (value, at) => parse(value, at).toLowerCase();
}

const text = matching(/./s, 'a non-empty string');

const size: Parser<number> = (value, at) => {
  if (isSize(value)) return value;
  throw at.bad(`must be a whole number of bytes, not ${show(value)}`);
};

const texts: Parser<string[]> = (value, at) => {
  const items = list((item) => item)(value, at);
  if (items.every((item) => typeof item === 'string')) return items as string[];
  throw at.bad('must be a list of strings');
};

const PLAIN_NAME = /^[\p{L}\p{N}_][\p{L}\p{N} ._()+=,@-]*$/u;

/** A plain file name: no folder, nothing hidden, nothing that a file system takes for something else. */
const fileName: Parser<string> = (value, at) => {
  const plain =
    typeof value === 'string' &&
    PLAIN_NAME.test(value) &&
    !/[. ]$/.test(value) &&
    !DEVICE_NAME.test(value) &&
    Buffer.byteLength(value) <= MAX_NAME_BYTES;
  if (plain) return value;
  throw at.bad(`must be a plain file name, not ${show(value)}`);
};

const shape: Parser<number[]> = (value, at) => {
  const sizes = list((item) => item)(value, at);
  if (sizes.length < 1 || sizes.length > MAX_DIMENSIONS || !sizes.every(isSize)) {
    throw at.bad(`must be a list of sizes, not ${show(sizes)}`);
  }
  if (!isSize(elementsOf(sizes))) throw at.bad('describes more elements than can be counted');
  return sizes;
};

const description = object({
  dataset: text,
  homepage: optional(text),
  license: optional(text),
  citation: (value, at): string[] => optional(texts)(value, at) ?? [],
});

const file = object({
  name: fileName,
  split: oneOf(SPLITS),
  kind: oneOf(KINDS),
  bytes: optional(size),
  md5: hex(32),
  sha256: optional(hex(64)),
  gdriveId: optional(matching(/^[A-Za-z0-9_-]{1,200}$/, 'letters, digits, - and _')),
  extracted: optional(object({ name: fileName, md5: hex(32), bytes: optional(size) })),
  array: optional(object({ path: text, shape })),
});

function parseSources(path: string, value: unknown): SourceConfig[] {
  if (!isRecord(value)) throw bad(path, `sources must be an object, not ${show(value)}`);
  const sources = Object.entries(value).map(([id, entry]): SourceConfig => {
    // Ids begin with a letter: a key that is a number would lose its place in the order of preference.
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(id)) {
      throw bad(path, `sources: the id ${show(id)} must be letters, digits, - and _, a letter first`);
    }
    const at = placeOf(path, `sources.${id}`);
    const { type } = object({ type: oneOf(SOURCE_TYPES) })(entry, at);
    const { baseUrl } = object({ baseUrl: type === 'file' ? folder : webUrl })(entry, at);
    const { record } = object({ record: type === 'zenodo' ? recordNumber : () => undefined })(entry, at);
    return { id, type, baseUrl, record };
  });
  if (sources.length === 0) throw bad(path, 'sources is empty');
  return sources;
}

const webUrl: Parser<string> = (value, at) => {
  const parsed = parseWebUrl(text(value, at));
  if ('problem' in parsed) throw at.bad(parsed.problem);
  return parsed.url;
};

const recordNumber: Parser<string> = (value, at) =>
  matching(/^[0-9]{1,20}$/, 'a record number')(typeof value === 'number' ? String(value) : value, at);

/** A folder, by its path or a `file:` URL, relative to the manifest. */
const folder: Parser<string> = (value, at) => {
  const place = text(value, at);
  const isFileUrl = /^file:/i.test(place);
  if (!isFileUrl && /^[a-z][a-z0-9+.-]+:\/\//i.test(place)) {
    throw at.bad(`must be a folder, not ${show(showUrl(place))}`);
  }
  if (place.includes('\0')) throw at.bad('holds a NUL character');
  if (!isFileUrl) return resolve(dirname(at.path), place);
  try {
    return fileURLToPath(place);
  } catch {
    throw at.bad(`must be a folder or a file: URL on this machine, not ${show(showUrl(place))}`);
  }
};

/**
 * An http or https URL without the slashes at the end of its path; its query stays as it was given, byte for byte.
 * @returns what is wrong with it as `problem`, with nothing secret in it
 */
export function parseWebUrl(given: string): { url: string } | { problem: string } {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return { problem: `must be an http or https URL, not ${JSON.stringify(showUrl(given))}` };
  }
  if (given.includes('#')) return { problem: `must not have a fragment (#…): ${showUrl(given)}` };
  const query = given.indexOf('?');
  const [path, rest] = query < 0 ? [given, ''] : [given.slice(0, query), given.slice(query)];
  return { url: path.replace(/\/+$/, '') + rest };
}

/** Two names that differ only in case are one file on many disks, so they are refused on all. */
function refuseDuplicates(path: string, files: readonly DatasetFile[]): void {
  const seen = new Map<string, string>();
  const names = files.flatMap(({ name, extracted }, i) => [
    [`files[${i}].name`, name] as const,
    ...(extracted ? [[`files[${i}].extracted.name`, extracted.name] as const] : []),
  ]);
  for (const [field, name] of names) {
    const key = name.normalize('NFC').toLowerCase();
    const earlier = seen.get(key);
    if (earlier !== undefined) throw bad(path, `${field} is ${show(name)}, the same name as ${earlier}`);
    seen.set(key, field);
  }
}

/** A value as an error message shows it. */
function show(value: unknown): string {
  let shown: string | undefined;
  try {
    shown = JSON.stringify(value);
  } catch {
    shown = 'something nested too deeply'; // JSON.stringify recurses where JSON.parse does not
  }
  return printable(shown ?? 'nothing', 120);
}

function bad(path: string, problem: string): PcamError {
  return new PcamError('BAD_MANIFEST', `the manifest ${path} cannot be used: ${problem}`, {
    hint: 'manifest.schema.json beside the built-in manifest describes every field',
  });
}
