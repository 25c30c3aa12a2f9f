export { Crew } from './crew.js';
export type { Job, JobResult } from './protocol.js';
export { type SplitFacts, shareFacts } from './split-facts.js';
