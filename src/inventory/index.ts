export { type Found, holds, Inventory } from './inventory.js';
