export { addSelectionOptions, choice, kinds, list, part, rate, splits, whole } from './parsers.js';
export { addPatchOptions, type PatchOptions, selectionOf } from './patch-options.js';
