export { chooseSources, openSource, requireReachable } from './registry.js';
export type { Source } from './source.js';
