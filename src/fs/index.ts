export { Appender } from './appender.js';
export { makeFolder, writeFileAtomic } from './atomic.js';
export { copyInto, writeAll, writeAllSync } from './copy.js';
export { type LockOptions, withLock } from './lock.js';
export { neverBlocking, openFile, readSmallFile, UnfitFile } from './open.js';
export { requireOutputPlace, writeOutput } from './output-place.js';
export {
  missingFolders,
  removeIfEmpty,
  requireNoLinks,
  requireOwnFolder,
  requireReachable,
} from './own-folder.js';
export { type Owner, parseOwner, stateOf } from './owner.js';
export { freeBytes, requireRoom } from './room.js';
export { RunFolder, type Staged } from './run-folder.js';
export { type FileIdentity, sameFile, statFile } from './stat.js';
export { type Workspace, withWorkspace } from './workspace.js';
