export { type TemporaryFile, writeTemporary } from './archive.js';
export { manifestEntry, servedName } from './manifest-entry.js';
export { type UpstreamFile, type UpstreamRow, upstreamFiles, upstreamName } from './split-files.js';
