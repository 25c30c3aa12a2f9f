export { type Found, holds, Inventory, rightness } from './inventory.js';
