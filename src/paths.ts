/** Where everything lies below the data set folder. */
import { join } from 'node:path';

export const STATE_FOLDER = '.pcam';

export interface Layout {
  /** The data set folder. */
  readonly dir: string;
  /** pcam's working state, `<dir>/.pcam`. */
  readonly state: string;
  readonly lock: string;
  readonly receipts: string;
  /** Renames under way. */
  readonly moves: string;
  final(name: string): string;
  part(name: string): string;
  journal(name: string): string;
  /** Where a file is written until its digest is right. */
  temporary(name: string): string;
}

export function layout(dir: string): Layout {
  const state = join(dir, STATE_FOLDER);
  return {
    dir,
    state,
    lock: join(state, 'lock'),
    receipts: join(state, 'receipts.json'),
    moves: join(state, 'moves.json'),
    final: (name) => join(dir, name),
    part: (name) => join(state, 'parts', `${name}.part`),
    journal: (name) => join(state, 'parts', `${name}.journal`),
    temporary: (name) => join(state, 'tmp', name),
  };
}
