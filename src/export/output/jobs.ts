/** The jobs of an export, one for the whole or one per part: where each keeps what is not finished, and its lock. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fsError, systemCode } from '../../core/index.js';
import { requireOwnFolder, type Workspace, withWorkspace } from '../../fs/index.js';
import { JOURNAL_FILE } from './journal.js';
import { partName } from './ledger.js';
import type { Part } from './types.js';

/** Shards in progress and journals, one folder per job. Same file system as the shards, so that a rename is enough. */
export const TEMPORARY = '.pcam-tmp';
const JOB = /^(whole|part-\d+-of-\d+)$/;
const LOCK = '.lock';

/** Where a job keeps what is not finished. */
export interface JobPaths {
  readonly lock: string;
  readonly folder: string;
  readonly journal: string;
  readonly temporaries: string;
}

export function jobPaths(out: string, job: string): JobPaths {
  const folder = join(out, TEMPORARY, job);
  return {
    lock: join(out, TEMPORARY, `${job}${LOCK}`),
    folder,
    journal: join(folder, JOURNAL_FILE),
    temporaries: join(folder, 'tmp'),
  };
}

/** Jobs that have a folder for what is not finished. */
export async function jobFolders(out: string): Promise<string[]> {
  return (await namesIn(join(out, TEMPORARY))).filter((name) => JOB.test(name));
}

/** Jobs that have left something here, other than that of `part`. */
export async function otherJobs(out: string, part: Part | undefined): Promise<string[]> {
  const names = await namesIn(join(out, TEMPORARY));
  const jobs = new Set(names.map((name) => (name.endsWith(LOCK) ? name.slice(0, -LOCK.length) : name)));
  return [...jobs].filter((job) => JOB.test(job) && job !== partName(part));
}

/** Runs something as the owner of another job; refused while that one is at work. */
export async function withJob(
  out: string,
  job: string,
  work: (workspace: Workspace) => Promise<void>,
): Promise<void> {
  const { lock, temporaries, folder } = jobPaths(out, job);
  await requireOwnFolder(folder);
  await withWorkspace({ lock, temporaries, command: 'export' }, work);
}

export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw fsError(error, `reading ${folder}`);
  }
}
