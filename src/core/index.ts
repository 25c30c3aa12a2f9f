export type { ByteRange } from './byte-range.js';
export { type Clock, systemClock } from './clock.js';
export { DEFAULTS, defaultWorkers, type ProxySettings } from './defaults.js';
export {
  abortError,
  type ErrorCode,
  type ErrorFacts,
  EXIT_CODES,
  factsOf,
  fsError,
  localError,
  memoryError,
  messageOf,
  type NextStep,
  PcamError,
  type SourceReason,
  systemCode,
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
export { describeLimit, LIMITS, type Limit, requireWithin, withinLimit } from './limits.js';
export { assetPath, assetText, HOMEPAGE, importBeside, USER_AGENT, VERSION, workerCode } from './package.js';
export { fromPlain, type PlainError, toPlain } from './plain-error.js';
export { Random } from './random.js';
export { CHANNELS, elementsOf, PATCH_BYTES, PATCH_SIZE } from './shape.js';
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
  wrapText,
} from './text.js';
export { showUrl } from './url.js';
