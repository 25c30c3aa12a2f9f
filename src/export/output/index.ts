export { type OutputFolder, withOutputFolder } from './folder.js';
export { Journal } from './journal.js';
export { countPatches, type LedgerHeader } from './ledger.js';
export { nameShard } from './shard.js';
export { ShardFiles } from './sink.js';
export type { FileRecord, Part, ShardStatus } from './types.js';
