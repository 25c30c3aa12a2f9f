/** Tables and lines for people. */
import { printable } from '../core/index.js';

/** Columns padded to the widest cell; numbers to the right. */
export function table(
  rows: readonly (readonly string[])[],
  { right = [] }: { right?: readonly number[] } = {},
): string {
  const safe = rows.map((row) => row.map((cell) => printable(cell, 300)));
  const widths = (safe[0] ?? []).map((_, i) => Math.max(...safe.map((row) => row[i]?.length ?? 0)));
  return safe
    .map((row) =>
      row
        .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const UPSTREAM_PREFIX = 'camelyonpatch_level_2_split_';

/** The part of an upstream name that tells the files apart: `train_x.h5.gz`. */
export function shortName(name: string): string {
  return printable(name.startsWith(UPSTREAM_PREFIX) ? name.slice(UPSTREAM_PREFIX.length) : name, 40);
}
