export { type DigestOptions, digestFile } from './digest.js';
export { Pass, type PassOptions, passOver } from './pass.js';
export {
  type DecodeProblem,
  type DigestName,
  type Digests,
  type HandleStats,
  InputChanged,
  type PassOutput,
  type PassResult,
  strongest,
} from './types.js';
