/** The worker pool's side in a thread: runs one job after the other. */
import { parentPort } from 'node:worker_threads';
import { type FromWorker, Inbox, type Job, jobError, sendError, type ToWorker } from './job.js';

/** Loads a job when it is first asked for, so that a thread loads no more than it needs. */
export type JobRegistry = Readonly<Record<string, () => Promise<Job<never, unknown, never, never>>>>;

/** The one statement of a thread's script. */
export function serveJobs(jobs: JobRegistry): void {
  const port = parentPort!;
  const post = (message: FromWorker) => port.postMessage(message);
  let inbox = new Inbox<unknown>();
  port.on('message', async (message: ToWorker) => {
    if (message.type === 'message') return inbox.put(message.message);
    inbox = new Inbox();
    post(
      await runJob(jobs, { ...message, inbox, report: (progress) => post({ type: 'progress', progress }) }),
    );
  });
}

interface JobCall {
  name: string;
  input: unknown;
  inbox: Inbox<unknown>;
  report(progress: unknown): void;
}

async function runJob(jobs: JobRegistry, { name, input, inbox, report }: JobCall): Promise<FromWorker> {
  let doing = `loading ${name}`;
  try {
    const job = (await jobs[name]!()) as Job<unknown, unknown, unknown, unknown>;
    doing = job.doing(input);
    const { signal } = new AbortController();
    const result = await job.run(input, { signal, report, onMessage: (handler) => inbox.listen(handler) });
    return { type: 'done', result };
  } catch (error) {
    return { type: 'failed', ...sendError(jobError(error, doing)) };
  }
}
