/** The one statement of a thread's script. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Serve } from './types.js';

/** Does the work for the thread that started this one, until that ends it. */
export function serveParent<Data, In, Out>(serve: Serve<Data, In, Out>): void {
  const port = parentPort!;
  const { hear } = serve(workerData as Data, (message) => port.postMessage(message));
  port.on('message', hear);
}
