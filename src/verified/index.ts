export { requireApart, requireOutputFile } from './apart.js';
export { type Input, type InputFile, type InputRequest, openInput } from './input.js';
