export { subset } from './subset.js';
export type { SubsetFile, SubsetOptions, SubsetResult } from './types.js';
