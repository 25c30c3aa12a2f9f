/** Where an encoder writes. */

/** A file under a temporary name; it is hashed on its way. */
export interface FileSink {
  /** Bytes written so far. */
  readonly position: number;
  /** Takes a copy. @throws PcamError DISK_FULL, NO_PERMISSION or IO */
  write(bytes: Uint8Array): void;
}
