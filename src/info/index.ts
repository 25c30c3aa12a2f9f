export { type FileInfo, type FileState, type InfoOptions, type InfoResult, info } from './info.js';
export { type Probe, type ProbeOptions, type ProbeStatus, probeSources } from './probe.js';
