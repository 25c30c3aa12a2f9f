/** Where everything lies below the data set folder. */
import { join } from 'node:path';
import type { RunFolder } from '../fs/index.js';
import { keptManifest } from '../manifest/index.js';

const STATE_FOLDER = '.pcam';

export interface Layout {
  /** The data set folder. */
  readonly dir: string;
  /** pcam's working state, `<dir>/.pcam`. */
  readonly state: string;
  readonly lock: string;
  /** Where each verified file has its receipt. */
  readonly receipts: string;
  /** Where partial downloads and their journals lie. */
  readonly partial: string;
  /** Where each run has a directory of its own for files whose digests are not known to be right yet. */
  readonly temporaries: string;
  /** The manifest that was named at a download. */
  readonly manifest: string;
  /** What was found out about the patches of each split. */
  readonly scans: string;
  final(name: string): string;
}

/** The data set folder as the run sees it that holds its lock: only that one changes anything. */
export interface OwnedLayout extends Layout {
  readonly run: RunFolder;
}

export function layout(dir: string): Layout {
  const state = join(dir, STATE_FOLDER);
  return {
    dir,
    state,
    lock: join(state, 'lock'),
    receipts: join(state, 'receipts'),
    partial: join(state, 'partial'),
    temporaries: join(state, 'tmp'),
    manifest: keptManifest(dir),
    scans: join(state, 'scans'),
    final: (name) => join(dir, name),
  };
}
