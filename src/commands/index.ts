export { type Context, printJson, printLine } from './context.js';
export { readEnvironment } from './environment.js';
export { createProgram } from './program.js';
