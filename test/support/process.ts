/** Runs the real command line, or a script, as a child process. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export const PCAM = fileURLToPath(new URL('../../bin/pcam.js', import.meta.url));

export interface Ended {
  /** Exit code; undefined when a signal ended it. */
  code: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: string;
  stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface StartOptions {
  cwd?: string;
  /** Settings beside those of this machine. */
  env?: Record<string, string>;
}

/** What a process writes, and how it ends. */
export async function endOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Ended> {
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (words: string) => {
      text[stream] += words;
    });
  }
  const [code, signal] = await once(child, 'close');
  return { code: code ?? undefined, signal: signal ?? undefined, ...text };
}

/** With no proxy and no settings of this machine. */
export function ownEnvironment(more: Record<string, string> = {}): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(pcam_|node_options$|node_extra|.*proxy$)/i.test(name),
  );
  return { ...Object.fromEntries(own), ...more };
}

/** Starts node on a script, in `ownEnvironment`. */
export function start(
  script: string,
  args: readonly string[],
  { cwd, env: more }: StartOptions = {},
): Running {
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    env: ownEnvironment(more),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, ended: endOf(child) };
}

export function startPcam(args: readonly string[], options: StartOptions = {}): Running {
  return start(PCAM, args, options);
}
