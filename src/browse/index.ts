export { type BrowseOptions, type Browsing, browse } from './browse.js';
