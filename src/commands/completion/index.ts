export { bashCompletion } from './bash.js';
export { definitionsOf, type ProgramDefinition } from './definitions.js';
export { fishCompletion } from './fish.js';
export { zshCompletion } from './zsh.js';
