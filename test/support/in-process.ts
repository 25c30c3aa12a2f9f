/** The command line in the process of the test: what it prints and its exit code, without the start of a process. */
import { main } from '#pcam/cli.js';
import { Collector } from './collector.mjs';
import { type Ended, ownEnvironment, PCAM, type StartOptions } from './process.js';

/** For exit codes, documents and messages; signals, streams and the start itself need `startPcam`. */
export async function runPcam(
  args: readonly string[],
  { env }: Pick<StartOptions, 'env'> = {},
): Promise<Ended> {
  const [stdout, stderr] = [new Collector(), new Collector()];
  const code = await main(args, {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    env: ownEnvironment(env),
    argv: [process.execPath, PCAM],
  });
  return { code, signal: undefined, stdout: stdout.text, stderr: stderr.text };
}
