export { affordableWorkers } from './affordable.js';
export type { Job, JobContext } from './job.js';
export { Pool, type RunningJob, runTogether } from './pool.js';
export { serveJobs } from './serve-jobs.js';
