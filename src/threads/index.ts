export { Inline } from './inline.js';
export { serveParent } from './serve-parent.js';
export { Thread } from './thread.js';
export type { Serve, Served, Worker } from './types.js';
