/**
 * Labels and meta rows of a split in shared memory: read once, seen by all workers. Reading the CSV of train takes
 * seconds, and every worker would do it again.
 */
import { type MetaColumns, type MetaTable, metaTable } from '../../dataset/index.js';

/** Some 15 bytes a patch; can be posted to a worker, which then sees the same memory. */
export interface SplitFacts {
  readonly labels: Uint8Array;
  readonly meta: MetaColumns | null;
  /** Indices of the selected patches in order; `null` when it is all of them in their order. */
  readonly order: Uint32Array | null;
}

export function shareFacts({
  labels,
  meta,
  order,
}: {
  labels: Uint8Array;
  meta: MetaTable | null;
  order: Uint32Array | null;
}): SplitFacts {
  const shared = new Uint8Array(new SharedArrayBuffer(labels.length));
  shared.set(labels);
  return { labels: shared, meta: meta && shareMeta(meta), order: order && shareOrder(order) };
}

function shareOrder(indices: Uint32Array): Uint32Array {
  const shared = new Uint32Array(new SharedArrayBuffer(indices.byteLength));
  shared.set(indices);
  return shared;
}

function shareMeta(meta: MetaTable): MetaColumns {
  const { rows, slides } = meta;
  const columns: MetaColumns = {
    slides,
    slide: new Uint16Array(new SharedArrayBuffer(2 * rows)),
    x: new Int32Array(new SharedArrayBuffer(4 * rows)),
    y: new Int32Array(new SharedArrayBuffer(4 * rows)),
    flags: new Uint8Array(new SharedArrayBuffer(rows)),
  };
  const numbers = new Map(slides.map((slide, number) => [slide, number]));
  for (let index = 0; index < rows; index++) {
    const row = meta.row(index);
    columns.slide[index] = numbers.get(row.wsi)!;
    columns.x[index] = row.coord_x;
    columns.y[index] = row.coord_y;
    columns.flags[index] = Number(row.tumor_patch) | (Number(row.center_tumor_patch) << 1);
  }
  return columns;
}

/** The meta rows as a table again. */
export function metaOf({ meta }: SplitFacts): MetaTable | null {
  return meta && metaTable(meta);
}
