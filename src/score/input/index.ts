export { type Aligned, align, type PatchesBySha1 } from './align.js';
export { type ReadScoresOptions, readScores } from './read.js';
export { namedSplits, type ScoreColumn, type ScoreRows, sha1Key } from './rows.js';
