export { type Clock, systemClock } from './clock.js';
export {
  DEFAULTS,
  defaultWorkers,
  describeLimit,
  LIMITS,
  type Limit,
  nodeExtraCertificates,
  type ProxySettings,
  requireWithin,
  withinLimit,
} from './defaults.js';
export {
  abortError,
  type ErrorCode,
  type ErrorFacts,
  EXIT_CODES,
  messageOf,
  type NextStep,
  PcamError,
  type SourceReason,
  throwIfAborted,
} from './errors.js';
export {
  type OnEvent,
  type Outcome,
  type PcamEvent,
  type Step,
  TaskReporter,
  type TaskState,
  type Unit,
} from './events.js';
export { assetPath, assetText, HOMEPAGE, importBeside, USER_AGENT, VERSION, workerCode } from './package.js';
export { Random } from './random.js';
export { factsOf, fsError, localError, memoryError, systemCode } from './system-errors.js';
export {
  count,
  formatBytes,
  formatInteger,
  formatSeconds,
  nearest,
  printable,
  printableJson,
  printableLines,
  shortName,
  shortNames,
  showUrl,
  wrapText,
} from './text.js';
export { type ByteRange, CHANNELS, DEVICE_NAME, elementsOf, PATCH_BYTES, PATCH_SIZE } from './values.js';
