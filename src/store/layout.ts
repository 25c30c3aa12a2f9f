/** Where everything lies below the data set folder. */
import { join } from 'node:path';

const STATE_FOLDER = '.pcam';

export interface Layout {
  /** The data set folder. */
  readonly dir: string;
  /** pcam's working state, `<dir>/.pcam`. */
  readonly state: string;
  readonly lock: string;
  readonly receipts: string;
  /** Renames under way. */
  readonly moves: string;
  /** Where partial downloads and their journals lie. */
  readonly parts: string;
  /** Where files are written until their digests are right. */
  readonly temporaries: string;
  /** What was found out about the patches of each split. */
  readonly scans: string;
  final(name: string): string;
  part(name: string): string;
  journal(name: string): string;
  /** Where a file is written until its digest is right. */
  temporary(name: string): string;
}

export function layout(dir: string): Layout {
  const state = join(dir, STATE_FOLDER);
  const parts = join(state, 'parts');
  const temporaries = join(state, 'tmp');
  return {
    dir,
    state,
    lock: join(state, 'lock'),
    receipts: join(state, 'receipts.json'),
    moves: join(state, 'moves.json'),
    parts,
    temporaries,
    scans: join(state, 'scans'),
    final: (name) => join(dir, name),
    part: (name) => join(parts, `${name}.part`),
    journal: (name) => join(parts, `${name}.journal`),
    temporary: (name) => join(temporaries, name),
  };
}
