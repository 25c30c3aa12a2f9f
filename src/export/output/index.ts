export { type FinishedShard, OutputFolder, type Part, withOutputFolder } from './folder.js';
export { countPatches, type ExportHeader, type FileRecord } from './index-file.js';
export { ShardFiles, type TemporaryFile } from './shard-files.js';
