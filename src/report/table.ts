/** Tables and colours, for people. */
import { printable } from '../core/index.js';

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Style = keyof typeof CODES;
export type Paint = (style: Style | undefined, text: string) => string;

/** @param wanted `auto`: where the stream is a terminal */
export function painter(wanted: 'always' | 'never' | 'auto', stream: { isTTY?: boolean }): Paint {
  const on = wanted === 'always' || (wanted === 'auto' && stream.isTTY === true);
  return (style, text) => (on && style ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}

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
