export { commitFile, makeFolder, writeFileAtomic } from './atomic.js';
export { acquireLock } from './lock.js';
export { requireOutputPlace } from './output-place.js';
export { requireOwnFolder } from './own-folder.js';
export { freeBytes } from './room.js';
export { readSmallFile, UnfitFile } from './small-file.js';
export { statFile } from './stat.js';
