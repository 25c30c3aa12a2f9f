export type { Rests } from './backoff.js';
export { keepingPace, type RateLimit, rateLimit, UNLIMITED } from './rate-limit.js';
export { SourcePool } from './source-pool.js';
export { SourceChanged, transferFile } from './transfer.js';
