/** A dry run: what a real one would do with each file. Nothing is written, and no source is asked. */
import { factsOf, PcamError } from '../core/index.js';
import { type DatasetFile, unpackedOf } from '../manifest/index.js';
import type { DownloadedFile, DownloadResult } from './options.js';
import type { Run } from './run.js';
import { type Action, needsRoom } from './survey.js';

/**
 * @param room bytes of free disk that are needed
 * @param tooSmall the error of everything that has to be written, where the disk has less
 */
export async function describe(
  run: Run,
  files: readonly DatasetFile[],
  {
    actions,
    room,
    tooSmall,
  }: { actions: ReadonlyMap<DatasetFile, Action>; room: number; tooSmall?: PcamError },
): Promise<DownloadResult> {
  const lines = await Promise.all(
    files.map((file) => line(run, file, { action: actions.get(file)!, tooSmall })),
  );
  return { ok: lines.every(({ status }) => status !== 'would-fail'), files: lines, dryRun: true, room };
}

async function line(
  run: Run,
  file: DatasetFile,
  { action, tooSmall }: { action: Action; tooSmall?: PcamError },
): Promise<DownloadedFile> {
  const bytes = file.bytes ?? ('bytes' in action ? action.bytes : 0);
  const as = (status: DownloadedFile['status']) => ({
    name: file.name,
    status,
    bytes,
    transferred: 0,
    sources: {},
  });
  const error = obstacle(run, file, action) ?? (needsRoom(action) ? tooSmall : undefined);
  if (error) return { ...as('would-fail'), error: factsOf(error) };
  switch (action.kind) {
    case 'present':
      return as('present');
    case 'rename':
    case 'import':
      return as('would-import');
    case 'adopt':
      return as('would-resume');
    default:
      return as((await isBegun(run, file)) ? 'would-resume' : 'would-download');
  }
}

function obstacle({ pool }: Run, file: DatasetFile, action: Action): PcamError | undefined {
  if (action.kind === 'blocked') return action.error;
  if ((action.kind !== 'fetch' && action.kind !== 'adopt') || pool.usable(file).length > 0) return undefined;
  return new PcamError('NO_SOURCE', `no source has ${file.name}: the chosen sources do not list it`);
}

/** By the journal's word; only a real run reads what it claims. */
async function isBegun({ force, parts }: Run, file: DatasetFile): Promise<boolean> {
  if (force) return false;
  for (const form of [file, unpackedOf(file)]) {
    const claimed = form && (await parts.claimedBy(form).catch(() => undefined));
    if (claimed && claimed.size > 0) return true;
  }
  return false;
}
