export type { Finding } from './deep-job.js';
export {
  type VerifiedFile,
  type VerifyOptions,
  type VerifyResult,
  type VerifyStatus,
  verify,
} from './verify.js';
