export { callOnSplits, type SplitCall, type SplitOptions, withAction, withProgress } from './calls.js';
export { type CommonOptions, type Context, columnsOf, printJson, printLine } from './context.js';
export { readEnvironment } from './environment.js';
export { commandLine, hintLine, jsonError, printError, sameCommand } from './hints.js';
export { networkSettings } from './network.js';
