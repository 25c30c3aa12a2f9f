/** What the name of a Camelyon16 slide says, and how its patches are spread. */
import { QUESTIONABLE_SLIDES, type SplitDetails } from '../stats/index.js';
import type { Centre, SlideFacts, SplitSlides } from './model/index.js';
import { drawSlideMaps } from './slide-maps.js';

/** Highest numbers of the training slides that are from Radboud; those above are from Utrecht. */
const LAST_OF_RADBOUD: Record<string, number> = { normal: 100, tumor: 70 };

function centreOf(wsi: string): Centre | null {
  const match = /^camelyon16_train_(normal|tumor)_(\d{3})$/.exec(wsi);
  if (!match) return null;
  return Number(match[2]) <= LAST_OF_RADBOUD[match[1]!]! ? 'Radboud UMC' : 'UMC Utrecht';
}

export function describeSlides(splits: readonly SplitDetails[]): {
  slides: SplitSlides[];
  mapScale: number | null;
} {
  const { maps, scale } = drawSlideMaps(splits.map(({ meta, labels }) => meta && { meta, labels }));
  const slides = splits.map(({ split, stats }, place): SplitSlides => {
    if (!stats.perSlide) return { split, slides: null };
    const facts = stats.perSlide.map(
      ({ wsi, patches, positive }): SlideFacts => ({
        ...{ wsi, patches, positive },
        centre: centreOf(wsi),
        questionable: QUESTIONABLE_SLIDES.has(wsi),
        map: maps[place]!.get(wsi)!,
      }),
    );
    // Sorted by name before, so equal ones stay in that order.
    return { split, slides: facts.sort((a, b) => b.patches - a.patches) };
  });
  return { slides, mapScale: scale };
}
