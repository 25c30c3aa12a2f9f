/** The thread of a pass. */
import { parentPort, workerData } from 'node:worker_threads';
import { plainFailure } from './failure.js';
import { Growth } from './growth.js';
import type { FromWorker, PassRequest, ToWorker } from './protocol.js';
import { runPass } from './run-pass.js';

const port = parentPort!;
const say = (message: FromWorker) => port.postMessage(message);

async function run(): Promise<void> {
  const growth = new Growth();
  port.on('message', (message: ToWorker) => growth.hear(message));
  const onProgress = (read: number, written: number) => say({ type: 'progress', read, written });
  try {
    say({ type: 'done', result: await runPass(workerData as PassRequest, { growth, onProgress }) });
  } catch (error) {
    say({ type: 'failed', failure: plainFailure(error) });
  }
  port.close();
}

void run();
