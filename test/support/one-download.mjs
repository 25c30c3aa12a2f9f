/** One download by the library in a process of its own; says what came of it, and what it left running. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { download, parseManifest } from '../../dist/index.js';

const [, , manifest, dir, abortAfter] = process.argv;
const problems = [];
process.on('unhandledRejection', (error) => problems.push(String(error)));
process.on('warning', (warning) => problems.push(String(warning)));

const stop = new AbortController();
let received = 0;
let result;
try {
  const { files } = await download({
    dir,
    manifest: parseManifest(JSON.parse(await readFile(manifest, 'utf8'))),
    timeouts: { connect: 2000, headers: 300, stall: 300 },
    pauses: { first: 20, longest: 100, patience: 2000 },
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'progress' && event.step === 'fetch') received = event.done;
      if (abortAfter && received >= Number(abortAfter)) stop.abort();
    },
  });
  result = files[0].error?.code ?? files[0].status;
} catch (error) {
  result = error.code;
}
// What is closed goes away within a few turns of the event loop.
for (let turn = 0; turn < 20 && left().length > 0; turn++) await sleep(10);
process.stdout.write(JSON.stringify({ result, left: left(), problems }));

function left() {
  // Pipes are our own stdout and stderr; the one timer is the sleep above.
  const all = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap');
  const timer = all.indexOf('Timeout');
  if (timer >= 0) all.splice(timer, 1);
  return all;
}
