/** Section 6: how the patches are spread over slides and centers, and where on each slide they are. */
import { type SlideBar, slideBars } from './charts.js';
import {
  dataTable,
  type Html,
  html,
  image,
  integer,
  plural,
  scrolling,
  share,
  shortSlide,
  splitTitle,
} from './html.js';
import type { Centre, ReportModel, SlideFacts, SplitSlides } from './model.js';

/** In px, so that few bars do not look like walls. */
const MAX_BAR_WIDTH = 26;
/** A chart with more slides takes all the width. */
const MANY = 40;
/** Width of a px of level 0 in µm: Camelyon16 was scanned at 0.243 and 0.226. */
const LEVEL_0_MICRONS = 0.24;

export function slidesSection({ slides, mapScale }: ReportModel): Html {
  const known = slides.filter((split): split is Known => split.slides !== null);
  if (known.length === 0) {
    return html`<p class="empty">The meta CSV files are not in the folder, so the slide of a patch is unknown. <code>pcam download --kind meta</code> fetches them.</p>`;
  }
  const marked = known.some((split) => split.slides.some(({ questionable }) => questionable));
  return html`<ul class="keys"><li class="k-positive"><i></i><span>positive</span></li><li class="k-negative"><i></i><span>negative</span></li>${marked && html`<li class="k-mark"><i></i><span>questionable annotation</span></li>`}</ul>
<h3>Patches per slide</h3><div class="charts">${known.map(chart)}</div>
${marked && questionable(known)}
${centres(known)}
<h3>Where on each slide the patches are</h3>
<p>One picture per slide, cropped to its patches, all at the same scale${mapScale !== null && html`: a picture's pixel is ${integer(Math.round(mapScale))} px of level 0, some ${((mapScale * LEVEL_0_MICRONS) / 1000).toFixed(2)} mm`}. Each dot is a patch; positive ones are drawn last.</p>
${known.map(maps)}`;
}

interface Known extends SplitSlides {
  readonly slides: readonly SlideFacts[];
}

function chart({ split, slides }: Known): Html {
  const bars = slides.map(({ patches, positive, questionable: marked }) => ({
    positive: positive ?? 0,
    negative: patches - (positive ?? 0),
    marked,
  }));
  const [most, least] = [slides[0]!, slides.at(-1)!];
  const words = `${plural(slides.length, 'slide')}, from ${plural(most.patches, 'patch')} (${shortSlide(most.wsi)}) down to ${integer(least.patches)} (${shortSlide(least.wsi)})`;
  return html`<figure class="chart ${slides.length > MANY && 'wide'}"><h4>${splitTitle(split)}</h4>
${barPlot(bars, `${splitTitle(split)}: ${words}`)}
<figcaption>${words}.</figcaption>
<details><summary>All slides of ${split} as a table</summary>${scrolling(
    `All slides of ${split}`,
    html`<table><thead><tr><th scope="col">Slide</th><th scope="col" class="n">Patches</th><th scope="col" class="n">Positive</th><th scope="col">Center</th><th scope="col">Note</th></tr></thead>
<tbody>${slides.map(slideRow)}</tbody></table>`,
  )}</details></figure>`;
}

/** The labels of the axis are HTML beside the SVG: the SVG is stretched, and text must not be. */
export function barPlot(bars: readonly SlideBar[], words: string): Html {
  const { width, height, ticks, grid, positive, negative, marks } = slideBars(bars);
  const most = `max-width:${bars.length * MAX_BAR_WIDTH + 56}px`;
  return html`<div class="plot" style="${most}"><div class="bars">${ticks.map(({ top, value }) => html`<span class="tick" style="top:${top}%" aria-hidden="true">${integer(value)}</span>`)}<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${words}"><path class="grid" d="${grid}"/><path class="negative" d="${negative}"/><path class="positive" d="${positive}"/></svg></div>
${marks !== '' && html`<svg class="marks" viewBox="0 0 ${width} 1" preserveAspectRatio="none" aria-hidden="true"><path class="mark" d="${marks}"/></svg>`}</div>`;
}

function slideRow({ wsi, patches, positive, centre, questionable: marked }: SlideFacts): Html {
  return html`<tr><th scope="row">${wsi}</th><td class="n">${integer(patches)}</td><td class="n">${integer(positive)}</td><td>${centre ?? '–'}</td><td>${marked && 'questionable annotation'}</td></tr>\n`;
}

function questionable(splits: readonly Known[]): Html {
  const marked = splits.flatMap(({ slides }) => slides.filter((slide) => slide.questionable));
  const patches = marked.reduce((sum, slide) => sum + slide.patches, 0);
  return html`<p class="small soft">${plural(patches, 'patch')} are from slides whose annotation is reported as incomplete or otherwise questionable, as information: ${marked.map(({ wsi }) => shortSlide(wsi)).join(', ')}.</p>`;
}

function centres(splits: readonly Known[]): Html | null {
  const sums = new Map<Centre | null, { slides: number; patches: number; positive: number | null }>();
  const all = splits.flatMap(({ slides }) => slides);
  for (const { centre, patches, positive } of all) {
    const sum = sums.get(centre) ?? { slides: 0, patches: 0, positive: 0 };
    const both = sum.positive === null || positive === null ? null : sum.positive + positive;
    sums.set(centre, { slides: sum.slides + 1, patches: sum.patches + patches, positive: both });
  }
  if (sums.size === 1 && sums.has(null)) return null;
  const total = all.reduce((sum, { patches }) => sum + patches, 0);
  const order = (['Radboud UMC', 'UMC Utrecht', null] as const).filter((centre) => sums.has(centre));
  const columns = ['Slides', 'Patches', 'of all', 'Positive'];
  return html`<h3>By center</h3>${dataTable({
    caption: "By the slide's name; for the test slides, the center is not published",
    columns: ['Center', ...columns],
    numbers: columns,
    rows: order.map((centre) => {
      const { slides, patches, positive } = sums.get(centre)!;
      const cells = [slides, patches, share(patches, total), share(positive, patches)];
      return { head: centre ?? 'not known', cells };
    }),
  })}`;
}

function maps({ split, slides }: Known): Html {
  return html`<h4>${splitTitle(split)}</h4><ul class="maps">${slides.map(
    ({ wsi, patches, positive, map }) => {
      const words = `${plural(patches, 'patch')}${positive === null ? '' : `, ${integer(positive)} positive`}`;
      return html`<li><figure><div class="map">${image(map, `Map of ${wsi}: ${words}`)}</div><figcaption><b>${shortSlide(wsi)}</b><br>${integer(patches)}${positive !== null && `, ${share(positive, patches, 0)} pos.`}</figcaption></figure></li>\n`;
    },
  )}</ul>`;
}
