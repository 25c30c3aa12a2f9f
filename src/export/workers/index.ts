export type { ShardJob, ShardResult } from './protocol.js';
export { shardJob } from './shard-job.js';
export { type SplitFacts, shareFacts } from './split-facts.js';
