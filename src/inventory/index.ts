export { allContents, type Content, contentsOf, type Found, holds, readFound } from './inventory.js';
