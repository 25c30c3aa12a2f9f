export { type DigestOptions, digestFile } from './digest.js';
export { InputChanged } from './failure.js';
export { passOver, startPass } from './pass.js';
export {
  type DecodeProblem,
  type DigestName,
  type Digests,
  type HandleStats,
  type PassOutput,
  type PassResult,
  strongest,
} from './protocol.js';
