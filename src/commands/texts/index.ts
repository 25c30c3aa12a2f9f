export { loadersOf, printLoaders, printNext } from './closing.js';
export { printFailures } from './failures.js';
export { nextAfterVerify, verifyText } from './verify-report.js';
