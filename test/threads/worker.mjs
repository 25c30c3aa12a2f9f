/** The script of a thread that runs the jobs of the tests. */
import { serveJobs } from '#pcam/threads/serve-jobs.js';
import * as jobs from './jobs.mjs';

serveJobs(Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, async () => job])));
