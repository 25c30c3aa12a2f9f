/** What a deep check has to say. */
export interface Finding {
  /** `error`: the data is not what PCam has. `warning`: worth a look. `info`: what was seen, or not there to see. */
  readonly level: 'info' | 'warning' | 'error';
  /**
   * `IMAGES`, `LABELS`, `BALANCE`, `ROWS`, `CENTER_TUMOR`, `SLIDES`, `SLIDE_OVERLAP`, `MISSING`, `CHECK_FAILED`, or the
   * code of the PcamError that reading ended with, such as `BAD_HDF5`.
   */
  readonly code: string;
  readonly message: string;
}
