export { affordableWorkers } from './affordable.js';
export { Inline } from './inline.js';
export type { Job, JobContext } from './job.js';
export { Pool, type RunningJob, runTogether } from './pool.js';
export { serveJobs } from './serve-jobs.js';
export { serveParent } from './serve-parent.js';
export { Thread } from './thread.js';
export type { Serve, Served, Worker } from './types.js';
