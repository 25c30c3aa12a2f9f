/** What an export's folder knows of the files in it. */
import type { ShardRecord } from '../formats/index.js';

/** `index` (from 1) of `of` jobs that share the work. */
export interface Part {
  readonly index: number;
  readonly of: number;
}

/** A file that was written. */
export interface FileRecord extends ShardRecord {
  readonly side?: boolean;
  /** First patch in it. */
  readonly start: number;
  /** Set when the file lists others with their SHA-256: how many, and their bytes together. */
  readonly contents?: { readonly files: number; readonly bytes: number };
}

export type ShardStatus = 'written' | 'present';
