/** Meta rows in columns, some 11 bytes a row, and the table that reads them. */
import type { MetaRow, MetaTable } from './types.js';

export interface MetaColumns {
  readonly slides: readonly string[];
  /** Number of the slide in `slides`. */
  readonly slide: Uint16Array;
  readonly x: Int32Array;
  readonly y: Int32Array;
  /** Bit 0: tumor_patch, bit 1: center_tumor_patch. */
  readonly flags: Uint8Array;
}

/** @param rows how many there are; the columns may have room for more */
export function metaTable({ slides, slide, x, y, flags }: MetaColumns, rows: number = x.length): MetaTable {
  const row = (index: number): MetaRow => {
    if (!Number.isInteger(index) || index < 0 || index >= rows) {
      throw new RangeError(`meta row ${index} of ${rows}`);
    }
    return {
      wsi: slides[slide[index]!]!,
      coord_x: x[index]!,
      coord_y: y[index]!,
      tumor_patch: (flags[index]! & 1) !== 0,
      center_tumor_patch: (flags[index]! & 2) !== 0,
    };
  };
  return { rows, slides, row };
}
