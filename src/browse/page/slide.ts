/** The slide view: the patches of a slide at their coordinates, to zoom and pan, with labels and scores over them. */
import OpenSeadragon from 'openseadragon';
import { byId, number } from './dom.js';
import { type Columns, readSlide, type SlideMap, type SplitName } from './server.js';

const DOWNSAMPLE = 4;
const PATCH_SIZE = 96;
/** Patches narrower than this (px) have no outline: they are too close together. */
const MIN_OUTLINE = 5;
/** As the server draws them (px). */
const MIN_DOT = 3;

export interface SlideRequest {
  readonly split: SplitName;
  readonly slide: number;
  readonly name: string;
  readonly columns: Columns;
  readonly has: (column: string) => boolean;
  readonly tileSize: number;
  readonly box: boolean;
  readonly index: number | undefined;
}

interface Shown {
  map: SlideMap;
  labels: ArrayLike<number> | undefined;
  scores: ArrayLike<number> | undefined;
  xs: ArrayLike<number>;
  ys: ArrayLike<number>;
  box: boolean;
  current: number | undefined;
}

export class SlideView {
  readonly #viewer: OpenSeadragon.Viewer;
  readonly #overlay = document.createElement('canvas');
  #key = '';
  #shown: Shown | undefined;

  constructor(onOpen: (index: number) => void) {
    const element = byId('viewer');
    // OpenSeadragon adds a style sheet, which the security policy forbids, unless an element of this name and mark is there.
    // One of another namespace is no style sheet.
    const mark = document.createElementNS('urn:pcam', 'style');
    mark.setAttribute('data-openseadragon-mobile-css', 'true');
    document.head.append(mark);
    this.#viewer = OpenSeadragon({
      element,
      showNavigationControl: false,
      showNavigator: true,
      drawer: 'canvas',
      navigatorPosition: 'BOTTOM_RIGHT',
      navigatorBackground: 'transparent',
      navigatorBorderColor: 'transparent',
      navigatorDisplayRegionColor: '#d0308f',
      navigatorOpacity: 1,
      maxZoomPixelRatio: 6,
      minZoomImageRatio: 0.8,
      visibilityRatio: 0.3,
      imageSmoothingEnabled: false,
      gestureSettingsMouse: { clickToZoom: false },
      crossOriginPolicy: false,
    });
    Object.assign(this.#overlay.style, { position: 'absolute', inset: '0', pointerEvents: 'none' });
    this.#viewer.canvas.append(this.#overlay);
    this.#viewer.addHandler('update-viewport', () => this.#drawOverlay());
    this.#viewer.addHandler('resize', () => this.#drawOverlay());
    this.#viewer.addHandler('canvas-click', (event) => {
      const index = event.quick ? this.#patchAt(event.position) : undefined;
      if (index !== undefined) onOpen(index);
    });
  }

  async show(request: SlideRequest): Promise<void> {
    const { split, slide, name, columns, has, tileSize, box, index } = request;
    const key = `${split}/${slide}`;
    const read = (column: string) => (has(column) ? columns.read(column) : undefined);
    const [map, labels, scores, xs, ys] = await Promise.all([
      ...[readSlide(split, slide), read('label'), read('score')],
      ...[columns.read('x'), columns.read('y')],
    ] as const);
    this.#shown = { map, labels, scores, xs: xs!, ys: ys!, box, current: index };
    byId('slide-facts').textContent = factsOf(name, this.#shown);
    if (key === this.#key) return this.#drawOverlay();
    this.#key = key;
    const ground = colourOf(getComputedStyle(document.body).backgroundColor);
    const tiles = {
      width: map.width,
      height: map.height,
      tileSize,
      minLevel: 0,
      maxLevel: map.levels - 1,
      getTileUrl: (level: number, x: number, y: number) =>
        `tile/${key}/${level}/${x}_${y}.png?ground=${ground}`,
    };
    this.#viewer.open(tiles as unknown as Parameters<OpenSeadragon.Viewer['open']>[0]);
  }

  /** The patch under a point of the window. */
  #patchAt(point: OpenSeadragon.Point): number | undefined {
    if (!this.#shown) return undefined;
    const { map, xs, ys } = this.#shown;
    const at = this.#viewer.viewport.viewerElementToImageCoordinates(point);
    let best: number | undefined;
    let nearest = Number.POSITIVE_INFINITY;
    for (const index of map.patches) {
      const [x, y] = [(xs[index]! - map.left) / DOWNSAMPLE, (ys[index]! - map.top) / DOWNSAMPLE];
      const distance = Math.hypot(x + PATCH_SIZE / 2 - at.x, y + PATCH_SIZE / 2 - at.y);
      if (distance < nearest) [best, nearest] = [index, distance];
    }
    // From far away a patch is a few pixels: a click beside it means it, too.
    const reach = this.#viewer.viewport.viewportToImageZoom(this.#viewer.viewport.getZoom(true));
    return nearest <= Math.max(PATCH_SIZE * 0.75, 10 / reach) ? best : undefined;
  }

  #drawOverlay(): void {
    const context = this.#overlay.getContext('2d');
    const { viewport, world } = this.#viewer;
    const ratio = devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.#viewer.canvas as HTMLElement;
    this.#overlay.width = clientWidth * ratio;
    this.#overlay.height = clientHeight * ratio;
    Object.assign(this.#overlay.style, { width: `${clientWidth}px`, height: `${clientHeight}px` });
    if (!context || !this.#shown || world.getItemCount() === 0) return;
    context.scale(ratio, ratio);
    const { map, labels, scores, xs, ys, box, current } = this.#shown;
    const origin = viewport.imageToViewerElementCoordinates(new OpenSeadragon.Point(0, 0));
    const unit = viewport.imageToViewerElementCoordinates(new OpenSeadragon.Point(1000, 0)).x - origin.x;
    const scale = unit / 1000;
    const size = PATCH_SIZE * scale;
    for (const index of map.patches) {
      const x = origin.x + ((xs[index]! - map.left) / DOWNSAMPLE) * scale;
      const y = origin.y + ((ys[index]! - map.top) / DOWNSAMPLE) * scale;
      if (x + size < 0 || y + size < 0 || x > clientWidth || y > clientHeight) continue;
      if (scores) {
        context.fillStyle = scoreColour(scores[index]!);
        context.fillRect(x, y, size, size);
      }
      if (box && labels?.[index] === 1) {
        const inset = size < MIN_OUTLINE * 4 ? 0 : (31 / PATCH_SIZE) * size;
        context.lineWidth = Math.max(1, size / PATCH_SIZE);
        context.strokeStyle = size < 4 * MIN_OUTLINE ? 'rgb(0 190 0 / 60%)' : '#00d000';
        if (size < MIN_OUTLINE) {
          // Too small for an outline: a tint, under which the tissue is still seen.
          context.fillStyle = 'rgb(0 190 0 / 50%)';
          context.fillRect(x, y, Math.max(MIN_DOT, size), Math.max(MIN_DOT, size));
        } else context.strokeRect(x + inset, y + inset, size - 2 * inset, size - 2 * inset);
      }
      if (index === current) {
        context.lineWidth = 3;
        context.strokeStyle = '#d0308f';
        context.strokeRect(x - 3, y - 3, Math.max(4, size) + 6, Math.max(4, size) + 6);
      }
    }
  }
}

function factsOf(name: string, { map, labels, scores }: Shown): string {
  const positive = labels ? map.patches.filter((index) => labels[index] === 1).length : undefined;
  const mm = (px: number) => ((px * DOWNSAMPLE * 0.243) / 1000).toFixed(1);
  return [
    name,
    `${number(map.patches.length)} patches${positive === undefined ? '' : `, ${number(positive)} with tumor`}`,
    `some ${mm(map.width)} x ${mm(map.height)} mm sampled`,
    labels ? 'green: tumor in the centre' : '',
    scores ? 'blue to red: score 0 to 1' : '',
    'click a patch to open it',
  ]
    .filter((text) => text !== '')
    .join(' · ');
}

/** Blue for 0, clear for 0.5, red for 1. */
function scoreColour(score: number): string {
  const opacity = Math.min(1, Math.abs(score - 0.5) * 2) * 0.45;
  return score < 0.5 ? `rgb(30 90 220 / ${opacity})` : `rgb(220 40 30 / ${opacity})`;
}

/** `rgb(251, 250, 249)` -> `fbfaf9`. */
function colourOf(text: string): string {
  const numbers = text.match(/\d+/g)?.slice(0, 3).map(Number) ?? [255, 255, 255];
  return numbers.map((n) => n.toString(16).padStart(2, '0')).join('');
}
