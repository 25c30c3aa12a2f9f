export { requireApart, requireOutputFile } from './apart.js';
export {
  describeInputs,
  type InputDigests,
  type InputFile,
  inputFiles,
  verifiedDigests,
  watchInputs,
  watchSplits,
} from './inputs.js';
