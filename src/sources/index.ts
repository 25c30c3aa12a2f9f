export { requireReachable } from './reachable.js';
export { chooseSources, openSource, type Source } from './registry.js';
