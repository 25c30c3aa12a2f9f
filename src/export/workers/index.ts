export { type ShardJob, type ShardStatus, shardJob } from './shard-job.js';
export { type SplitFacts, shareFacts } from './split-facts.js';
