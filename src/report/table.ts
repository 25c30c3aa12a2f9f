/** Tables for people. */
import { printable } from '../core/index.js';

export interface TableOptions {
  /** Columns that are aligned to the right. */
  right?: readonly number[];
  /** Paints a padded cell; what it gets is safe to print. */
  paint?: (padded: string, row: number, column: number) => string;
}

/** Columns padded to the widest cell. */
export function table(
  rows: readonly (readonly string[])[],
  { right = [], paint = (cell) => cell }: TableOptions = {},
): string {
  const safe = rows.map((row) => row.map((cell) => printable(cell, 300)));
  const columns = Math.max(0, ...safe.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...safe.map((row) => row[i]?.length ?? 0)),
  );
  const pad = (cell: string, i: number, last: number) => {
    if (right.includes(i)) return cell.padStart(widths[i]!);
    return i === last ? cell : cell.padEnd(widths[i]!);
  };
  return safe
    .map((row, r) => {
      const last = row.findLastIndex((cell) => cell !== '');
      return row
        .slice(0, last + 1)
        .map((cell, i) => paint(pad(cell, i, last), r, i))
        .join('  ');
    })
    .join('\n');
}
