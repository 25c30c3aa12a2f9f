export { Appender } from './appender.js';
export { makeFolder, writeFileAtomic } from './atomic.js';
export { copyInto, writeAll, writeAllSync } from './copy.js';
export { mayLive } from './identity.js';
export { neverBlocking, openFile, readSmallFile, UnfitFile } from './open.js';
export { requireOutputPlace, writeOutput } from './output-place.js';
export {
  missingFolders,
  removeIfEmpty,
  requireNoLinks,
  requireOwnFolder,
  requireReachable,
} from './own-folder.js';
export { freeBytes, requireRoom } from './room.js';
export { type FileIdentity, sameFile, statFile } from './stat.js';
export { type Staged, type Workspace, withWorkspace } from './workspace.js';
