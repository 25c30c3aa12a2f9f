/** A dry run: what a real one would say, and nothing is touched. */
import type { DatasetFile } from '../manifest/index.js';
import { Journal } from '../store/index.js';
import { failureOf } from './job.js';
import type { Action } from './survey.js';
import type { DownloadedFile, DownloadResult, DownloadStatus, Run } from './types.js';

export async function describe(
  run: Run,
  files: readonly DatasetFile[],
  actions: ReadonlyMap<DatasetFile, Action>,
): Promise<DownloadResult> {
  const lines = await Promise.all(files.map((file) => line(run, file, actions.get(file)!)));
  return { ok: lines.every(({ status }) => status !== 'failed'), files: lines, dryRun: true };
}

async function line(run: Run, file: DatasetFile, action: Action): Promise<DownloadedFile> {
  const bytes = file.bytes ?? ('bytes' in action ? action.bytes : 0);
  const common = { name: file.name, bytes, transferred: 0, sources: {} };
  if (action.kind === 'blocked') return { ...common, status: 'failed', error: failureOf(action.error) };
  const begun = action.kind === 'fetch' && !run.force && (await isBegun(run, file));
  const status: Record<typeof action.kind, DownloadStatus> = {
    present: 'present',
    rename: 'imported',
    import: 'imported',
    adopt: 'resumed',
    fetch: begun ? 'resumed' : 'downloaded',
  };
  return { ...common, status: status[action.kind] };
}

/** By the journal's word; only a real run reads what it claims. */
async function isBegun({ paths }: Run, file: DatasetFile): Promise<boolean> {
  const journal = await Journal.read(paths.journal(file.name), file).catch(() => undefined);
  return journal !== undefined && journal.ranges.length > 0;
}
