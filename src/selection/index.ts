export type { ListedPatch } from './indices-file.js';
export {
  isSelective,
  type ResolvedSelection,
  recordOf,
  resolveSelection,
  type SelectionOptions,
  type SelectionRecord,
} from './options.js';
export { type PatchSelection, type Selected, select, selectPatches, shufflePatches } from './select.js';
