export { OutputFolder, requireApart } from './folder.js';
export { Journal } from './journal.js';
export { countPatches, type LedgerHeader } from './ledger.js';
export { requireRoom } from './room.js';
export { ShardFiles } from './sink.js';
export type { FileRecord, InputFile, Part, ShardStatus } from './types.js';
