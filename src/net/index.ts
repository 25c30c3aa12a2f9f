export { type FailureKind, SourceFailure, statusFailure } from './failure.js';
export { createHttpClient } from './http.js';
export { basic } from './proxy.js';
export {
  acceptRange,
  isHtml,
  type RangeReply,
  type RangeRequest,
  rangeHeaders,
  requestRange,
} from './ranged.js';
export { requireWeb } from './redirects.js';
export type { Cookies, Credentials, HttpClient, HttpReply, Timeouts } from './types.js';
