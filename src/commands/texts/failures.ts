/** Files that could not be fetched, by cause: one cause is reported once, however many files it concerns. */
import { count, type ErrorFacts, shortName } from '../../core/index.js';
import type { DownloadedFile } from '../../download/index.js';
import { type Context, printError } from '../context/index.js';

type Failed = DownloadedFile & { error: ErrorFacts };

export function printFailures(context: Context, files: readonly DownloadedFile[]): void {
  const failed = files.filter((file): file is Failed => file.error !== undefined);
  const causes = new Map<string, Failed[]>();
  for (const file of failed) {
    const key = causeOf(file);
    causes.set(key, [...(causes.get(key) ?? []), file]);
  }
  for (const group of causes.values()) printError(context, reportOf(group));
}

/** What two failures of one cause have in common. */
function causeOf({ name, error }: Failed): string {
  const { code, message, hint, reasons } = error;
  if (isOffline(error)) return 'offline';
  const said = reasons?.map(({ source, reason }) => `${source} ${reason}`) ?? [message];
  return JSON.stringify([code, hint, said.map((words) => words.replaceAll(name, ''))]);
}

/** No name resolves: that is this machine's connection, not the sources. */
function isOffline({ reasons = [] }: ErrorFacts): boolean {
  const unresolved = reasons.filter(({ code }) => code === 'ENOTFOUND' || code === 'EAI_AGAIN');
  return unresolved.length > 0 && unresolved.length === reasons.length;
}

function reportOf(group: readonly Failed[]): Pick<ErrorFacts, 'message' | 'hint' | 'options' | 'next'> {
  const [{ name, error }] = group as [Failed];
  const names =
    group.length > 3 ? count(group.length, 'file') : group.map((file) => shortName(file.name)).join(', ');
  const verb = `${names} could not be fetched`;
  if (isOffline(error)) {
    return {
      message: `${verb}: no host name resolves`,
      hint: 'Is this machine online? Behind a proxy, set HTTPS_PROXY',
    };
  }
  const kept = group.some(({ transferred, streamed }) => transferred > 0 && !streamed);
  const hint =
    error.code === 'NO_SOURCE' && kept ? `what was fetched is kept; ${error.hint ?? ''}` : error.hint;
  if (group.length === 1) return { ...error, message: `${shortName(name)}: ${error.message}`, hint };
  const said = error.reasons?.map(({ source, reason }) => `${source}: ${reason}`).join('; ');
  return { ...error, message: `${verb}: ${said ?? error.message}`, hint };
}
