export {
  type Context,
  jsonError,
  printError,
  printJson,
  printLine,
  readEnvironment,
} from './context/index.js';
export { createProgram } from './program.js';
