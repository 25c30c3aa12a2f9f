export { COMMANDS } from './commands.js';
export { type Context, printJson, printLine } from './context.js';
export { readEnvironment } from './environment.js';
