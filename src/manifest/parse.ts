/** Reads and validates a manifest (schema version 1); a manifest is outside input. */
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assetPath, assetText, elementsOf, fsError, PcamError, showUrl, systemCode } from '../core/index.js';
import { readSmallFile, UnfitFile } from '../fs/index.js';
import { bad, Fields, show } from './fields.js';
import { isRecord, isSize } from './json.js';
import { type DatasetFile, KINDS, type Manifest, type SourceConfig, SPLITS } from './types.js';

/** The manifest that ships with pcam. */
export const BUILT_IN_MANIFEST = assetPath('manifest.json');

/** The source types that a manifest may name; sources/index.ts has one entry for each. */
export const SOURCE_TYPES = ['google-drive', 'zenodo', 'http', 'file'] as const;

const LARGEST_MANIFEST = 16 * 1024 * 1024;

/**
 * Reads a manifest file. Folders of `file` sources become absolute, relative to the manifest.
 * @throws PcamError BAD_MANIFEST, naming the field
 */
export async function readManifest(path: string = BUILT_IN_MANIFEST): Promise<Manifest> {
  let text: string;
  try {
    // The path may be that of a multi-gigabyte data file.
    text =
      path === BUILT_IN_MANIFEST
        ? assetText('manifest.json')
        : await readSmallFile(path, { most: LARGEST_MANIFEST });
  } catch (error) {
    if (error instanceof UnfitFile) throw bad(path, error.message);
    if (['ENOENT', 'ENOTDIR', 'ENXIO'].includes(systemCode(error))) {
      throw new PcamError('BAD_MANIFEST', `there is no manifest at ${path}`, {
        cause: error,
        hint: 'check the path; without one the built-in manifest is used',
        options: ['manifest'],
      });
    }
    throw fsError(error, `reading the manifest ${path}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw bad(path, `it is not JSON: ${withoutQuotes((error as Error).message)}`);
  }
  return parseManifest(json, { path });
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
  const top = new Fields(path, '', json);
  const version = top.raw('schemaVersion');
  if (version !== 1) throw bad(path, `schemaVersion is ${show(version)}; this pcam reads version 1`);
  const files = top.list('files').map((entry, i) => parseFile(new Fields(path, `files[${i}]`, entry)));
  if (files.length === 0) throw bad(path, 'files is empty');
  refuseDuplicates(path, files);
  return {
    dataset: top.text('dataset'),
    homepage: top.optionalText('homepage'),
    license: top.optionalText('license'),
    citation: top.has('citation') ? top.texts('citation') : [],
    sources: parseSources(path, top.raw('sources')),
    files,
  };
}

function parseSources(path: string, value: unknown): SourceConfig[] {
  if (!isRecord(value)) throw bad(path, `sources must be an object, not ${show(value)}`);
  const sources = Object.entries(value).map(([id, entry]) => {
    // Ids begin with a letter: a key that is a number would lose its place in the order of preference.
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(id)) {
      throw bad(path, `sources: the id ${show(id)} must be letters, digits, - and _, a letter first`);
    }
    const fields = new Fields(path, `sources.${id}`, entry);
    const type = fields.oneOf('type', SOURCE_TYPES);
    return { id, type, baseUrl: parseBase(path, type, fields), record: parseRecord(type, fields) };
  });
  if (sources.length === 0) throw bad(path, 'sources is empty');
  return sources;
}

function parseBase(path: string, type: string, fields: Fields): string {
  if (type === 'file') {
    const folder = fields.text('baseUrl');
    if (/^file:/i.test(folder)) {
      try {
        return fileURLToPath(folder);
      } catch {
        throw fields.bad(
          'baseUrl',
          `must be a folder or a file: URL on this machine, not ${show(showUrl(folder))}`,
        );
      }
    }
    if (/^[a-z][a-z0-9+.-]+:\/\//i.test(folder)) {
      throw fields.bad('baseUrl', `must be a folder, not ${show(showUrl(folder))}`);
    }
    if (folder.includes('\0')) throw fields.bad('baseUrl', 'holds a NUL character');
    return resolve(dirname(path), folder);
  }
  return fields.httpUrl('baseUrl');
}

function parseRecord(type: string, fields: Fields): string | undefined {
  if (type !== 'zenodo') return undefined;
  const raw = fields.raw('record');
  const record = typeof raw === 'number' ? String(raw) : fields.text('record');
  if (!/^[0-9]{1,20}$/.test(record))
    throw fields.bad('record', `must be a record number, not ${show(record)}`);
  return record;
}

function parseFile(fields: Fields): DatasetFile {
  const name = fields.fileName('name');
  const file: DatasetFile = {
    name,
    split: fields.oneOf('split', SPLITS),
    kind: fields.oneOf('kind', KINDS),
    bytes: fields.optionalSize('bytes'),
    md5: fields.hex('md5', 32),
    sha256: fields.has('sha256') ? fields.hex('sha256', 64) : undefined,
    gdriveId: fields.optionalText('gdriveId'),
    extracted: fields.has('extracted') ? parseExtracted(fields.child('extracted')) : undefined,
    array: fields.has('array') ? parseArray(fields.child('array')) : undefined,
  };
  if (file.gdriveId !== undefined && !/^[A-Za-z0-9_-]{1,200}$/.test(file.gdriveId)) {
    throw fields.bad('gdriveId', `must be letters, digits, - and _, not ${show(file.gdriveId)}`);
  }
  return file;
}

function parseExtracted(fields: Fields): NonNullable<DatasetFile['extracted']> {
  return {
    name: fields.fileName('name'),
    md5: fields.hex('md5', 32),
    bytes: fields.optionalSize('bytes'),
  };
}

function parseArray(fields: Fields): NonNullable<DatasetFile['array']> {
  const shape = fields.list('shape');
  if (shape.length < 1 || shape.length > 8 || !shape.every(isSize)) {
    throw fields.bad('shape', `must be a list of sizes, not ${show(shape)}`);
  }
  if (!isSize(elementsOf(shape as number[]))) {
    throw fields.bad('shape', 'describes more elements than can be counted');
  }
  return { path: fields.text('path'), shape: shape as number[] };
}

/** Two names that differ only in case are one file on many disks, so they are refused on all. */
function refuseDuplicates(path: string, files: readonly DatasetFile[]): void {
  const seen = new Map<string, string>();
  const take = (field: string, name: string) => {
    const key = name.normalize('NFC').toLowerCase();
    const earlier = seen.get(key);
    if (earlier !== undefined) throw bad(path, `${field} is ${show(name)}, the same name as ${earlier}`);
    seen.set(key, field);
  };
  files.forEach((file, i) => {
    take(`files[${i}].name`, file.name);
    if (file.extracted) take(`files[${i}].extracted.name`, file.extracted.name);
  });
}
