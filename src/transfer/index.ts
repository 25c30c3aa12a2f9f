export type { Pauses } from './backoff.js';
export { Blame, type BlameEvent, type Decision } from './blame.js';
export { type RateLimit, rateLimit, UNLIMITED } from './limit.js';
export { SourcePool } from './pool.js';
export { type ChunkSink, SourceChanged } from './request.js';
export { transferFile } from './transfer.js';
