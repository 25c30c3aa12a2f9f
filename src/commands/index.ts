export { COMMANDS } from './commands.js';
export {
  type Context,
  jsonError,
  printError,
  printJson,
  printLine,
  readEnvironment,
} from './context/index.js';
