export { requireApart } from './apart.js';
export { type OutputFolder, withOutputFolder } from './folder.js';
export { Journal } from './journal.js';
export { countPatches, type LedgerHeader } from './ledger.js';
export { requireRoom } from './room.js';
export { nameShard } from './shard.js';
export { ShardFiles } from './sink.js';
export type { FileRecord, InputFile, Part, ShardStatus } from './types.js';
