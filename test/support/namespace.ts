/** Runs the command line in a PID namespace of its own, as in a container, where this machine lets us. */
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Ended, endOf, PCAM } from './process.js';

const UNSHARE = ['--pid', '--fork', '--kill-child', '--mount-proc'];

/** True where PID namespaces can be made. @throws Error in CI, where they must be */
export async function canUnshare(): Promise<boolean> {
  try {
    await promisify(execFile)('unshare', [...UNSHARE, 'true']);
    return true;
  } catch (cause) {
    const line =
      'no right to make PID namespaces here: the tests of containers are skipped (run them as root)';
    if (process.env.CI) throw new Error(line, { cause });
    console.warn(line);
    return false;
  }
}

export interface Contained {
  /** Sends a signal to the command itself. */
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

export function startContained(args: readonly string[]): Contained {
  const child = spawn('unshare', [...UNSHARE, process.execPath, PCAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = endOf(child);
  return {
    kill(signal) {
      const { pid } = child;
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const inner = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      if (inner !== '') process.kill(Number(inner.split(' ')[0]), signal);
    },
    ended,
  };
}
