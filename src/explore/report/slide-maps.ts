/** Facts about slides: the center that the name tells, and a small map of the patches; all maps have one scale. */
import type { MetaTable } from '../../dataset/index.js';
import type { Provenance } from '../../manifest/index.js';
import { encodeIndexed } from '../../picture/index.js';
import { QUESTIONABLE_SLIDES, type SplitDetails } from '../stats/index.js';
import type { Centre, Picture, SlideFacts, SplitSlides } from './model.js';

/** Longest side of a map in px; a page shows two px as one. */
const MAX_SIDE = 176;
const NOTHING = 0;
const NEGATIVE = 1;
const POSITIVE = 2;
/** Mid tones that are visible on light and on dark backgrounds. */
const PALETTE = [
  [0, 0, 0, 0],
  [98, 142, 166, 255],
  [205, 64, 124, 255],
  [0, 0, 0, 0],
] as const;

/** Highest numbers of the training slides that are from Radboud; those above are from Utrecht. */
const LAST_OF_RADBOUD: Record<string, number> = { normal: 100, tumor: 70 };

interface Extent {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** @param provenance names of synthetic slides say nothing */
export function describeSlides(
  splits: readonly SplitDetails[],
  provenance: Provenance,
): {
  slides: SplitSlides[];
  mapScale: number | null;
} {
  const { maps, scale } = drawSlideMaps(splits.map(({ meta, labels }) => meta && { meta, labels }));
  const slides = splits.map(({ split, stats }, place): SplitSlides => {
    if (!stats.perSlide) return { split, slides: null };
    const facts = stats.perSlide.map(
      ({ wsi, patches, positive }): SlideFacts => ({
        ...{ wsi, patches, positive },
        centre: provenance === 'synthetic' ? null : centreOf(wsi),
        questionable: provenance !== 'synthetic' && QUESTIONABLE_SLIDES.has(wsi),
        map: maps[place]!.get(wsi)!,
      }),
    );
    // The sort is stable: slides of one size stay in the order of their names.
    return { split, slides: facts.sort((a, b) => b.patches - a.patches) };
  });
  return { slides, mapScale: scale };
}

function centreOf(wsi: string): Centre | null {
  const match = /^camelyon16_train_(normal|tumor)_(\d{3})$/.exec(wsi);
  if (!match) return null;
  return Number(match[2]) <= LAST_OF_RADBOUD[match[1]!]! ? 'Radboud UMC' : 'UMC Utrecht';
}

export interface SlideMaps {
  /** By slide, for each split. */
  readonly maps: readonly ReadonlyMap<string, Picture>[];
  /** Px of level 0 per px that a page shows; `null` when there is no slide. */
  readonly scale: number | null;
}

export interface MapSource {
  readonly meta: MetaTable;
  readonly labels: Uint8Array | null;
}

/** @param sources the splits, `null` where one has no meta CSV */
export function drawSlideMaps(sources: readonly (MapSource | null)[]): SlideMaps {
  const extents = sources.map((source) => (source ? extentsOf(source.meta) : new Map<string, Extent>()));
  const all = extents.flatMap((bySlide) => [...bySlide.values()]);
  if (all.length === 0) return { maps: sources.map(() => new Map()), scale: null };
  const longest = Math.max(
    1,
    ...all.map(({ left, right, top, bottom }) => Math.max(right - left, bottom - top)),
  );
  const patches = sources.reduce((sum, source) => sum + (source?.meta.rows ?? 0), 0);
  const dot = dotSize(patches / all.length);
  const scale = longest / (MAX_SIDE - dot);
  const maps = sources.map((source, i) =>
    source ? draw({ source, extents: extents[i]!, scale, dot }) : new Map(),
  );
  return { maps, scale: 2 * scale };
}

/** Few patches need large dots to be seen, many need small ones to stay apart. */
function dotSize(patchesPerSlide: number): number {
  return patchesPerSlide < 150 ? 8 : patchesPerSlide < 600 ? 4 : 2;
}

function extentsOf(meta: MetaTable): Map<string, Extent> {
  const extents = new Map<string, Extent>();
  for (let i = 0; i < meta.rows; i++) {
    const { wsi, coord_x: x, coord_y: y } = meta.row(i);
    const extent = extents.get(wsi);
    if (!extent) extents.set(wsi, { left: x, right: x, top: y, bottom: y });
    else {
      extent.left = Math.min(extent.left, x);
      extent.right = Math.max(extent.right, x);
      extent.top = Math.min(extent.top, y);
      extent.bottom = Math.max(extent.bottom, y);
    }
  }
  return extents;
}

interface MapDrawing {
  source: MapSource;
  extents: ReadonlyMap<string, Extent>;
  scale: number;
  dot: number;
}

function draw({ source: { meta, labels }, extents, scale, dot }: MapDrawing): Map<string, Picture> {
  const sheets = new Map<string, { width: number; height: number; indices: Uint8Array }>();
  for (const [wsi, { left, right, top, bottom }] of extents) {
    const width = Math.floor((right - left) / scale) + dot;
    const height = Math.floor((bottom - top) / scale) + dot;
    sheets.set(wsi, { width, height, indices: new Uint8Array(width * height).fill(NOTHING) });
  }
  // Positive patches last: they are what one looks for.
  for (const colour of labels ? [NEGATIVE, POSITIVE] : [NEGATIVE]) {
    for (let i = 0; i < meta.rows; i++) {
      if (labels && (labels[i] === 1) !== (colour === POSITIVE)) continue;
      const { wsi, coord_x, coord_y } = meta.row(i);
      const { left, top } = extents.get(wsi)!;
      const { width, indices } = sheets.get(wsi)!;
      const [x, y] = [Math.floor((coord_x - left) / scale), Math.floor((coord_y - top) / scale)];
      for (let row = y; row < y + dot; row++) indices.fill(colour, row * width + x, row * width + x + dot);
    }
  }
  return new Map(
    [...sheets].map(([wsi, { width, height, indices }]) => [
      wsi,
      {
        png: encodeIndexed({ width, height, indices, palette: PALETTE }),
        width: Math.ceil(width / 2),
        height: Math.ceil(height / 2),
      },
    ]),
  );
}
