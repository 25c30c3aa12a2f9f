/** The script of every worker thread: the jobs of the worker pool by name. */
import { serveJobs } from './threads/index.js';

serveJobs({
  bootstrap: async () => (await import('./score/bootstrap.js')).bootstrapJob,
  deep: async () => (await import('./verify/deep-job.js')).deepJob,
  digest: async () => (await import('./pass/digest.js')).digestJob,
  pass: async () => (await import('./pass/run-pass.js')).passJob,
  scan: async () => (await import('./scan/scan-job.js')).scanJob,
  shard: async () => (await import('./export/workers/shard-job.js')).shardJob,
});
