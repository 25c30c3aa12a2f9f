export {
  addSelectionOptions,
  choice,
  kinds,
  list,
  part,
  rate,
  splits,
  type Words,
  whole,
} from './parsers.js';
export { addPatchOptions, type PatchOptions, selectionOf } from './patch-options.js';
