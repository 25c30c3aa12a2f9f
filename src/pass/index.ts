export { InputChanged, passOver, startPass } from './pass.js';
export type { DecodeProblem, DigestName, Digests, PassOutput, PassResult } from './protocol.js';
