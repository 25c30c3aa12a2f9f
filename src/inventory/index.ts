export { type Found, holds, Inventory } from './inventory.js';
export { type Rename, renameMisplaced } from './rename.js';
