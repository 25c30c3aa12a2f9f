/** A thread that digests one file after the other: reading runs on the thread pool meanwhile. */
import { serveParent } from '../threads/index.js';
import { type PlainFailure, plainFailure } from './failure.js';
import { type DigestRequest, digestThrough, type FileDigests } from './read-through.js';

export type FromDigestWorker =
  | { type: 'progress'; read: number }
  | { type: 'done'; digested: FileDigests }
  | { type: 'failed'; failure: PlainFailure };

const PROGRESS_EVERY = 4 * 1024 * 1024;

serveParent<unknown, DigestRequest, FromDigestWorker>((_data, say) => ({
  async hear(job) {
    try {
      let reported = 0;
      const digested = await digestThrough(job, (read) => {
        if (read - reported < PROGRESS_EVERY) return;
        reported = read;
        say({ type: 'progress', read });
      });
      say({ type: 'done', digested });
    } catch (error) {
      say({ type: 'failed', failure: plainFailure(error) });
    }
  },
  end: async () => {},
}));
