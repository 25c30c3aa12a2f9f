/** A download with the library, and what it came to. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PcamEvent } from '#pcam/core/events.js';
import { download } from '#pcam/download/download.js';
import type { DownloadOptions, DownloadResult } from '#pcam/download/options.js';
import { manifestOf, type SourceEntries, type TestFile } from './files.js';
import { temporaryFolder } from './temp.js';

export interface Setup extends DownloadOptions {
  files: readonly TestFile[];
  /** By id; a text is the URL of a source of type `http`. */
  at: Record<string, string | SourceEntries[string]>;
}

export interface Outcome {
  readonly result: DownloadResult;
  readonly dir: string;
  readonly events: PcamEvent[];
}

/** Downloads into a new folder, or the given one. */
export async function fetchAll({ files, at, ...options }: Setup): Promise<Outcome> {
  const sources = Object.fromEntries(
    Object.entries(at).map(([id, at]) => [id, typeof at === 'string' ? { type: 'http', baseUrl: at } : at]),
  );
  const dir = options.dir ?? join(await temporaryFolder(), 'pcam');
  const events: PcamEvent[] = [];
  const onEvent = (event: PcamEvent) => {
    events.push(event);
    options.onEvent?.(event);
  };
  const result = await download({ manifest: manifestOf(files, sources), ...options, dir, onEvent });
  return { result, dir, events };
}

/** The files of a data set folder, pcam's own state left out; none where there is no folder. */
export async function contents(dir: string): Promise<Record<string, string>> {
  const there = await readdir(dir).catch(() => [] as string[]);
  const names = there.filter((name) => name !== '.pcam').sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, (await readFile(join(dir, name))).toString('hex')])),
  );
}

/** What `contents` gives when these files, decompressed or not, are there and nothing else. */
export function holding(
  files: readonly TestFile[],
  form: 'plain' | 'served' = 'plain',
): Record<string, string> {
  return Object.fromEntries(
    files
      .map((one): [string, string] => [
        form === 'plain' ? (one.file.extracted?.name ?? one.file.name) : one.file.name,
        one[form].toString('hex'),
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
