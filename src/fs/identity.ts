/** Who holds a lock: enough to tell a process that has ended from one that this process cannot see. */
import { randomBytes } from 'node:crypto';
import { readlink } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { systemCode } from '../core/index.js';
import { readSmallFile } from './open.js';

export interface Identity {
  readonly pid: number;
  readonly host: string;
  /** Boot id of the kernel; '' where the system has none. A host name alone does not name a machine. */
  readonly boot: string;
  /** PID namespace (containers); '' where the system has none. A process number means nothing outside it. */
  readonly namespace: string;
  /** When the process started, in the kernel's own count: distinguishes it from a later one with the same number. */
  readonly started: string;
  readonly command: string;
  /** Random, one per run. */
  readonly token: string;
}

export async function ownIdentity(command: string): Promise<Identity> {
  const [boot, namespace, started] = await Promise.all([bootId(), pidNamespace(), startOf('self')]);
  const token = randomBytes(8).toString('hex');
  return { pid: process.pid, host: hostname(), boot, namespace, started, command, token };
}

/** What a lock says about its owner; undefined when it is torn, or not from pcam. */
export function parseIdentity(text: string): Identity | undefined {
  try {
    const { pid, host, boot, namespace, started, command, token } = JSON.parse(text) as Partial<Identity>;
    if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || typeof host !== 'string') return undefined;
    // Locks of a version that did not write a field are of an owner who cannot be judged.
    const word = (value: unknown) => (typeof value === 'string' ? value : '?');
    return {
      pid: pid as number,
      host,
      boot: word(boot),
      namespace: word(namespace),
      started: word(started),
      command: typeof command === 'string' ? command : '',
      token: word(token),
    };
  } catch {
    return undefined;
  }
}

/**
 * Whether the process still runs. `unknown`: on another machine, in another container or before a restart; then
 * only its heartbeat shows it.
 */
export async function judge(owner: Identity): Promise<'alive' | 'dead' | 'unknown'> {
  const [boot, namespace] = await Promise.all([bootId(), pidNamespace()]);
  const near = owner.host === hostname() && owner.boot === boot && owner.namespace === namespace;
  if (!near) return 'unknown';
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (systemCode(error) !== 'EPERM') return 'dead';
  }
  const started = (await procIsOurs()) ? await startOf(String(owner.pid)) : '';
  if (started === undefined) return 'dead';
  return started === '' || owner.started === '' || started === owner.started ? 'alive' : 'dead';
}

/**
 * How long ago (ms) this machine started, if the owner belongs to it as it was before; `undefined` for any other owner.
 * A name is no proof of that: another machine can have it.
 */
export async function sinceRestart(owner: Identity): Promise<number | undefined> {
  const boot = await bootId();
  const restarted = boot !== '' && isBootId(owner.boot) && owner.boot !== boot;
  return restarted && owner.host === hostname() ? uptime() * 1000 : undefined;
}

/** Locks of a version that wrote none have '?', other systems than Linux ''. */
function isBootId(text: string): boolean {
  return text.length > 1;
}

/** Whether a run that wrote its identity to a file may still be at work; false where there is no such file. */
export async function mayLive(path: string): Promise<boolean> {
  let text: string;
  try {
    text = await readSmallFile(path, { most: 64 * 1024, follow: false });
  } catch (error) {
    return systemCode(error) !== 'ENOENT';
  }
  const owner = parseIdentity(text);
  return !owner || (await judge(owner)) !== 'dead';
}

async function bootId(): Promise<string> {
  return (await readProc('sys/kernel/random/boot_id')).trim();
}

async function pidNamespace(): Promise<string> {
  return await readlink('/proc/self/ns/pid').catch(() => '');
}

/** False in a PID namespace whose /proc is still that of the one above it: the numbers there are others. */
async function procIsOurs(): Promise<boolean> {
  return (await readlink('/proc/self').catch(() => '')) === String(process.pid);
}

/** Start time of a process: undefined when it has ended and only waits to be collected, '' where it is unknown. */
async function startOf(pid: 'self'): Promise<string>;
async function startOf(pid: string): Promise<string | undefined>;
async function startOf(pid: string): Promise<string | undefined> {
  const text = await readProc(`${pid}/stat`);
  // The name in parentheses may hold spaces; the start time is field 22 (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : (fields[19] ?? '');
}

async function readProc(name: string): Promise<string> {
  return await readSmallFile(`/proc/${name}`, { most: 64 * 1024 }).catch(() => '');
}
