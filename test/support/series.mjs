/** Runs command lines of pcam, one after the other, for the process that forked this one; its parent watches the time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { main } from '../../dist/cli.js';
import { Collector } from './collector.mjs';

process.on('message', async ({ args, cwd, env, argv }) => {
  process.chdir(cwd);
  const [stdout, stderr] = [new Collector(), new Collector()];
  const code = await main(args, { stdout, stderr, env, argv });
  // A command is over when a process would end: a read that hangs occupies its thread and keeps it alive.
  while (busy()) await sleep(5);
  process.send({ code, stdout: stdout.text, stderr: stderr.text });
});

function busy() {
  // A pipe leads to the parent.
  return process.getActiveResourcesInfo().some((name) => !/^(PipeWrap|CloseReq)$/.test(name));
}
