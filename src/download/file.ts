/** One file of a download, from what the survey found to its line in the result. */
import { resolve } from 'node:path';
import {
  type ErrorFacts,
  factsOf,
  type Outcome,
  type Step,
  TaskReporter,
  throwIfAborted,
} from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { IMPORTED, PartialFile, removePartials } from '../store/index.js';
import type { Session } from './context.js';
import { fetchFile } from './fetch.js';
import { importFile } from './import.js';
import type { DownloadedFile } from './options.js';
import { describeFile } from './places.js';
import type { Action } from './survey.js';
import { wanted } from './target.js';

const FIRST_STEPS: Record<Action['kind'], Step> = {
  present: 'check',
  rename: 'check',
  blocked: 'check',
  import: 'import',
  adopt: 'check',
  fetch: 'fetch',
};

/** @throws PcamError ABORTED, and nothing else: any other error is in the line of the file */
export async function downloadFile(
  session: Session,
  file: DatasetFile,
  { action, streamed }: { action: Action; streamed: boolean },
): Promise<DownloadedFile> {
  throwIfAborted(session.signal);
  const step = FIRST_STEPS[action.kind];
  const task = new TaskReporter(
    { task: file.name, step, unit: 'bytes', done: 0, total: file.bytes },
    session.emit,
    () => session.clock.now(),
  );
  /** Bytes by source; a Map, for an id may be called `constructor`. */
  const sources = new Map<string, number>();
  const onChunk = (source: string, bytes: number) => sources.set(source, (sources.get(source) ?? 0) + bytes);
  const lineOf = (status: Exclude<Outcome, 'done'>, bytes: number): DownloadedFile => ({
    name: file.name,
    status,
    path: status === 'failed' ? null : resolve(session.paths.final(wanted(file, session.extract).name)),
    bytes,
    transferred: [...sources.values()].reduce((a, b) => a + b, 0),
    sources: Object.fromEntries(sources),
    ...(streamed && { streamed }),
  });
  try {
    const { status, bytes } = await obtain(session, file, { action, streamed, task, onChunk });
    if (status !== 'downloaded' && status !== 'resumed')
      // What is left of an earlier run may be gigabytes.
      await removePartials(session.paths.partial, file, session.paths.run).catch(() => {});
    task.end({ outcome: status, done: bytes, total: bytes });
    return lineOf(status, bytes);
  } catch (error) {
    throwIfAborted(session.signal);
    const facts = withAdvice(factsOf(error), { session, file, action, streamed });
    task.end({ outcome: 'failed', message: facts.message });
    return { ...lineOf('failed', file.bytes ?? 0), error: facts };
  }
}

interface ObtainOptions {
  action: Action;
  streamed: boolean;
  task: TaskReporter;
  onChunk: (source: string, bytes: number) => void;
}

interface Obtained {
  status: 'downloaded' | 'resumed' | 'imported' | 'present';
  bytes: number;
}

async function obtain(
  session: Session,
  file: DatasetFile,
  { action, ...options }: ObtainOptions,
): Promise<Obtained> {
  const notice = (message: string) => session.emit({ type: 'notice', file: file.name, message });
  switch (action.kind) {
    case 'blocked':
      throw action.error;
    case 'present': {
      const { stale, bytes } = action;
      if (stale !== undefined) {
        await session.paths.run.remove(stale);
        notice(`${stale} was damaged, and is not needed beside the decompressed file: removed`);
      }
      return { status: 'present', bytes: file.bytes ?? bytes };
    }
    case 'rename': // done, after the survey
      return { status: 'imported', bytes: file.bytes ?? action.found.bytes };
    case 'import':
      if (await importFile(session, file, { action, task: options.task }))
        return { status: 'imported', bytes: file.bytes ?? action.bytes };
      notice(`${describeFile(action)} changed during the import; fetching the file instead`);
      break;
    case 'adopt':
      await adopt(session, file, action);
  }
  const { bytes, resumed } = await fetchFile(session, file, options);
  return { status: resumed > 0 ? 'resumed' : 'downloaded', bytes };
}

/** The beginning of the archive, as another tool left it, becomes the beginning of a partial download. */
async function adopt(
  { paths }: Session,
  file: DatasetFile,
  { path, own }: Extract<Action, { kind: 'adopt' }>,
): Promise<void> {
  const partial = await PartialFile.open(file, { folder: paths.partial, run: paths.run });
  try {
    await partial.copyBeginning(path, IMPORTED);
  } finally {
    await partial.close();
  }
  if (own) await paths.run.remove(path);
}

/** What would have helped: a file that was not taken over, or what needs less room. */
function withAdvice(
  facts: ErrorFacts,
  {
    session,
    file,
    action,
    streamed,
  }: { session: Session; file: DatasetFile; action: Action; streamed: boolean },
): ErrorFacts {
  if (facts.code === 'NO_SOURCE' && session.from.length > 0) {
    const why = 'notTaken' in action && action.notTaken?.length ? action.notTaken : session.from;
    return { ...facts, hint: [facts.hint, `not taken over: ${why.join('; ')}`].filter(Boolean).join('; ') };
  }
  // A quota that shows only when it is used up.
  if (facts.code !== 'DISK_FULL') return facts;
  if (streamed) {
    const hint = 'make room or choose another folder, then run it again: this file starts again';
    return { ...facts, hint };
  }
  if (!session.extract || session.keepArchives || !file.extracted) return facts;
  const hint = `${facts.hint}. Decompressing archives while they arrive needs less room`;
  return { ...facts, hint, options: ['stream'] };
}
