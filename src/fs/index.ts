export {
  type FileIdentity,
  neverBlocking,
  openFile,
  readSmallFile,
  sameFile,
  statFile,
  UnfitFile,
} from './files.js';
export {
  makeFolder,
  missingFolders,
  removeIfEmpty,
  requireNoLinks,
  requireOwnFolder,
  requireReachable,
} from './folders.js';
export { lockHolder, withLock } from './lock.js';
export { requireOutputPlace, writeOutput } from './output.js';
export { type Owner, parseOwner, stateOf } from './owner.js';
export { freeBytes, maxFileBytes, requireRoom } from './room.js';
export { RunFolder } from './run-folder.js';
export { copyInto, retryBusy, writeAll, writeAllSync, writeFileAtomic } from './write.js';
