export { isSelective, type SelectionRecord } from './request.js';
export { checkSelection, type Selected, type SelectRequest, select, selectPatches } from './select.js';
export type { PatchSelection, SelectionOptions } from './types.js';
