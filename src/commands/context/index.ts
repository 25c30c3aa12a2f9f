export {
  addCommonOptions,
  type CommonOptions,
  type Context,
  optionsOf,
  printJson,
  printLine,
  withProgress,
} from './context.js';
export { readEnvironment } from './environment.js';
export { commandLine, hintLine, jsonError, printError } from './hints.js';
export { networkSettings } from './network.js';
