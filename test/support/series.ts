/** A process that runs commands of pcam in series, each with a time limit: finds what hangs, at the price of one start. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ownEnvironment, PCAM, type StartOptions } from './process.js';

const SCRIPT = fileURLToPath(new URL('./series.mjs', import.meta.url));

export interface SeriesEnd {
  /** Exit code of the command. `hangs`: it was not over in time, or something that it began was not. */
  code: number | 'hangs' | 'crashed';
  stdout: string;
  stderr: string;
}

export class Series {
  #child: ChildProcess | undefined;

  /** @param bound longest that a command may take (ms) */
  constructor(readonly bound: number) {}

  /** One at a time. After a command that hangs, the next one gets a new process. */
  run(args: readonly string[], { cwd = process.cwd(), env }: StartOptions = {}): Promise<SeriesEnd> {
    this.#child ??= fork(SCRIPT, { env: ownEnvironment(), execArgv: [] });
    const child = this.#child;
    return new Promise((resolve) => {
      const end = (result: SeriesEnd) => {
        clearTimeout(timer);
        child.removeAllListeners();
        if (typeof result.code === 'string') this.kill();
        resolve(result);
      };
      const none = { stdout: '', stderr: '' };
      const timer = setTimeout(() => end({ code: 'hangs', ...none }), this.bound);
      child.once('message', (result: SeriesEnd) => end(result));
      child.once('exit', () => end({ code: 'crashed', ...none }));
      child.send({ args, cwd, env: ownEnvironment(env), argv: [process.execPath, PCAM] });
    });
  }

  /** Lets the process end by itself; `hangs` when a command left it something that does not end. */
  async end(): Promise<number | 'hangs' | null> {
    const child = this.#child;
    if (!child) return 0;
    const timer = setTimeout(() => child.kill('SIGKILL'), this.bound);
    child.disconnect();
    const [code, signal] = await once(child, 'exit');
    clearTimeout(timer);
    this.#child = undefined;
    return signal === 'SIGKILL' ? 'hangs' : code;
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}
