export { type FailureKind, SourceFailure } from './failure.js';
export { createHttpClient, type HttpClient, type HttpReply, statusFailure, type Timeouts } from './http.js';
export {
  acceptRange,
  isHtml,
  type RangeReply,
  type RangeRequest,
  rangeHeaders,
  requestRange,
} from './ranged.js';
