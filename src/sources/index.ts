export { chooseSources, openSource, type Source } from './registry.js';
