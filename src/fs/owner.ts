/** Who runs: enough about a process to tell whether it has ended, for a lock or a journal that it left behind. */
import { randomBytes } from 'node:crypto';
import { readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemCode } from '../core/index.js';
import { readSmallFile } from './files.js';

export interface Owner {
  /** Random, one per run: what the names of all its temporary files carry. */
  readonly run: string;
  readonly pid: number;
  readonly host: string;
  /** Boot id of the kernel; '' where the system has none. A host name alone does not name a machine. */
  readonly boot: string;
  /** PID namespace (containers); '' where the system has none. A process number means nothing outside it. */
  readonly namespace: string;
  /** Start time in the kernel's own count, '' where unknown: tells a process from a later one with its number. */
  readonly started: string;
  readonly command: string;
}

export async function createOwner(command: string): Promise<Owner> {
  const [boot, namespace, started] = await Promise.all([bootId(), pidNamespace(), startTimeOf('self')]);
  const run = randomBytes(8).toString('hex');
  return { run, pid: process.pid, host: hostname(), boot, namespace, started: started ?? '', command };
}

/** Parses what a lock or a journal says about its owner; undefined when it is torn, or not from pcam. */
export function parseOwner(json: unknown): Owner | undefined {
  const { run, pid, host, boot, namespace, started, command } = (json ?? {}) as Record<string, unknown>;
  if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || typeof host !== 'string') return undefined;
  // A field that is missing equals that of no system, so that nothing is concluded from it.
  const text = (value: unknown) => (typeof value === 'string' ? value : '?');
  return {
    run: text(run),
    pid: pid as number,
    host,
    boot: text(boot),
    namespace: text(namespace),
    started: text(started),
    command: typeof command === 'string' ? command : '',
  };
}

/**
 * Whether a run has ended. `unknown` on another machine, in another container, before a restart, or where the system
 * cannot tell a process from a later one with its number (no /proc); then only a heartbeat tells.
 */
export async function stateOf(owner: Owner): Promise<'ended' | 'alive' | 'unknown'> {
  const [boot, namespace] = await Promise.all([bootId(), pidNamespace()]);
  if (owner.host !== hostname() || owner.boot !== boot || owner.namespace !== namespace) return 'unknown';
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (systemCode(error) !== 'EPERM') return 'ended';
  }
  const started = (await procIsOurs()) ? await startTimeOf(String(owner.pid)) : '';
  if (started === undefined) return 'ended';
  if (started === '' || owner.started === '' || owner.started === '?') return 'unknown';
  return started === owner.started ? 'alive' : 'ended';
}

async function bootId(): Promise<string> {
  return (await readProc('sys/kernel/random/boot_id')).trim();
}

async function pidNamespace(): Promise<string> {
  return await readlink('/proc/self/ns/pid').catch(() => '');
}

/** False in a PID namespace that still has the /proc of the one above it: the numbers there are others. */
async function procIsOurs(): Promise<boolean> {
  return (await readlink('/proc/self').catch(() => '')) === String(process.pid);
}

/** Start time of a process: undefined when it has ended and was not yet waited for, '' where it is unknown. */
async function startTimeOf(pid: string): Promise<string | undefined> {
  const text = await readProc(`${pid}/stat`);
  // The name in parentheses may hold spaces; the start time is field 22 (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : (fields[19] ?? '');
}

async function readProc(name: string): Promise<string> {
  return await readSmallFile(`/proc/${name}`, { maxBytes: 64 * 1024 }).catch(() => '');
}
