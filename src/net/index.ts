export { type FailureKind, SourceFailure, statusFailure } from './failure.js';
export {
  type Cookies,
  type Credentials,
  HttpClient,
  type HttpReply,
  requireWeb,
  type Timeouts,
} from './http.js';
export { basic } from './proxy.js';
export {
  acceptRange,
  isHtml,
  type RangeReply,
  type RangeRequest,
  rangeHeaders,
  requestRange,
} from './ranged.js';
