export type { Pauses } from './backoff.js';
export { Blame, type BlameEvent, type Decision } from './blame.js';
export { SourceChanged } from './copies.js';
export { backlogOf, type RateLimit, rateLimit, UNLIMITED } from './pace.js';
export { SourcePool } from './source-pool.js';
export { transferFile } from './transfer.js';
