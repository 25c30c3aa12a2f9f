export { loadersOf, printCommand, printLoaders, printNext, printNextToPeople } from './closing.js';
export { printExport } from './export-report.js';
export { printFailures } from './failures.js';
export { fileText, findFile, infoText, nextAfterInfo } from './info-report.js';
export { planText } from './plan.js';
export { probesText } from './probes.js';
export { printState } from './state.js';
export { nextAfterVerify, verifyText } from './verify-report.js';
