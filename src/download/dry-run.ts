/** A dry run: what a real one would say, and nothing is touched. */
import { statFile } from '../integrity/inventory.js';
import type { DatasetFile } from '../types.js';
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
  const begun = !run.force && (await statFile(run.paths.part(file.name)).catch(() => undefined));
  const status: Record<typeof action.kind, DownloadStatus> = {
    present: 'present',
    rename: 'imported',
    import: 'imported',
    adopt: 'resumed',
    fetch: begun ? 'resumed' : 'downloaded',
  };
  return { ...common, status: status[action.kind] };
}
