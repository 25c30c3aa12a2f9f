/** A range of bytes of a file. */

/** Half-open: `start` inclusive, `end` exclusive. An `end` of Infinity asks for all that follows. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}
