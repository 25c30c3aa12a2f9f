/** Fetches a file in the form that the sources have: the archive, or in its place what comes out of it. */
import { factsOf, PcamError, throwIfAborted } from '../core/index.js';
import { type DatasetFile, unpackedOf } from '../manifest/index.js';
import { type Fetched, type FetchOptions, fetchFile, LeftForOtherForm } from './fetch.js';
import type { OwnedRun } from './run.js';

/**
 * The archive comes first. The decompressed file is fetched where the most preferred source that answers has no
 * archive, or in the end nobody has; both forms have a part of their own, so each can be resumed.
 * @throws PcamError as `fetchFile`
 */
export async function fetchAnyForm(
  run: OwnedRun,
  file: DatasetFile,
  options: FetchOptions,
): Promise<Fetched> {
  const unpacked = unpackedOf(file);
  if (!unpacked) return fetchFile(run, file, options);
  if (!run.extract || run.keepArchives) {
    return fetchFile(run, file, options).catch(async (error) => {
      throw await withUnwantedForm(run, file, error);
    });
  }
  try {
    const leave = () => run.pool.lacksFirst(file) && run.pool.usable(unpacked).length > 0;
    return await archiveOnly(run, file, { ...options, leave });
  } catch (error) {
    const left = error instanceof LeftForOtherForm;
    if (!left && !(isCode(error, 'NO_SOURCE') && run.pool.lacking(file).length > 0)) throw error;
    return await fetchUnpacked(run, { file, unpacked, options }).catch(async (problem) => {
      if (!isCode(problem, 'NO_SOURCE') && !isCode(problem, 'DIGEST_MISMATCH')) throw problem;
      if (left) return archiveOnly(run, file, options).catch((last) => preferMismatch(problem, last));
      return preferMismatch(problem, error);
    });
  }
}

/** A part of another form, such as of an earlier run, is not needed any more. */
export async function discardParts({ parts }: OwnedRun, file: DatasetFile): Promise<void> {
  const unpacked = unpackedOf(file);
  await parts.discard(file);
  if (unpacked) await parts.discard(unpacked);
}

async function archiveOnly(run: OwnedRun, file: DatasetFile, options: FetchOptions): Promise<Fetched> {
  const fetched = await fetchFile(run, file, options);
  await discardParts(run, file);
  return fetched;
}

interface Unpacked {
  file: DatasetFile;
  unpacked: DatasetFile;
  options: FetchOptions;
}

async function fetchUnpacked(run: OwnedRun, { file, unpacked, options }: Unpacked): Promise<Fetched> {
  throwIfAborted(run.signal);
  const { bytes, resumed } = await fetchFile(run, unpacked, options);
  await discardParts(run, file);
  // An archive that lies in the folder now was not usable, and is not needed beside the decompressed file.
  await run.paths.workspace.remove(run.paths.final(file.name));
  return { bytes: file.bytes ?? bytes, resumed };
}

/** Wrong bytes say more than absent ones. */
function preferMismatch(unpacked: unknown, archive: unknown): never {
  throw isCode(unpacked, 'DIGEST_MISMATCH') && isCode(archive, 'NO_SOURCE') ? unpacked : archive;
}

function isCode(error: unknown, code: PcamError['code']): boolean {
  return error instanceof PcamError && error.code === code;
}

/** Says so where a source has the decompressed file and the archive is what was asked for. */
async function withUnwantedForm(run: OwnedRun, file: DatasetFile, error: unknown): Promise<unknown> {
  const unpacked = unpackedOf(file);
  if (!(error instanceof PcamError) || error.code !== 'NO_SOURCE' || !unpacked) return error;
  const having: string[] = [];
  for (const id of run.pool.lacking(file))
    if (await run.pool.offers(unpacked, id, run.signal)) having.push(id);
  throwIfAborted(run.signal);
  if (having.length === 0) return error;
  const { code, message, ...facts } = factsOf(error);
  const said = `${having.join(' and ')} has the decompressed ${unpacked.name}, which does not help where the archive is wanted`;
  return new PcamError(code, `${message}; ${said}`, { ...facts, cause: error });
}
