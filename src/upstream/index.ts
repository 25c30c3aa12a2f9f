export type { SplitContent, UpstreamRow } from './files.js';
export {
  type FolderRecipe,
  type MadeFolder,
  publish,
  requireReplaceable,
  type WrittenFile,
  withMadeFolder,
  writeSplit,
} from './folder.js';
export { writeTemporary } from './temporary-file.js';
