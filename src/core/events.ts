/** What the library tells while it works. Commands turn events into bars and lines; nothing else prints. */
export type PcamEvent =
  /** A file on the disk is read to find out what it is. */
  | { type: 'checking'; file: string; read: number; of: number }
  /** A file is about to be brought; `have` bytes of `bytes` are already there. */
  | { type: 'start'; file: string; bytes?: number; have: number }
  /** `received`: bytes that are there; `processed`: bytes that went through digests and gunzip. */
  | { type: 'progress'; file: string; received: number; processed: number; bytes?: number }
  /** A source failed and rests for `ms`, or is out for this file. */
  | { type: 'rest'; file: string; source: string; reason: string; ms: number }
  | { type: 'drop'; file: string; source: string; reason: string }
  /** Something was found wrong and is being mended. */
  | { type: 'notice'; file?: string; message: string }
  /** A file is done, one way or another. */
  | { type: 'done'; file: string; status: string; bytes: number; seconds: number; message?: string };

export type OnEvent = (event: PcamEvent) => void;
