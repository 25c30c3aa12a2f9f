export { type Context, printJson, printLine } from './context.js';
export { downloadCommand } from './download.js';
export { readEnvironment } from './environment.js';
export { exportCommand } from './export.js';
export { fixtureCommand } from './fixture.js';
export { cacheKeyCommand, infoCommand } from './info.js';
export { verifyCommand } from './verify.js';
