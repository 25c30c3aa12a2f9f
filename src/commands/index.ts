export { type Context, printJson, printLine, readEnvironment } from './context/index.js';
export { createProgram } from './program.js';
