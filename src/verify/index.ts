export type { Finding } from './finding.js';
export {
  type VerifiedFile,
  type VerifyOptions,
  type VerifyResult,
  type VerifyStatus,
  verify,
} from './verify.js';
