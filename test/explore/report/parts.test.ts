/** The parts of a report: escaping, charts, maps, repeated contents. */
import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ceilingOf, histogramChart, slideBars } from '#pcam/explore/report/charts.js';
import { escapeHtml, html, scriptJson, share } from '#pcam/explore/report/html.js';
import { mostRepeated } from '#pcam/explore/report/repeats.js';
import { drawSlideMaps } from '#pcam/explore/report/slide-maps.js';
import type { SplitDetails } from '#pcam/explore/stats/index.js';
import { chunksOf } from '../../support/png.js';

describe('a template', () => {
  it('escapes what is put in, in lists and attributes, and nothing twice', () => {
    const name = `<img src=x onerror="alert('1')">&`;
    const inner = html`<b title="${name}">${[name, null, false, 1]}</b>`;
    expect(html`<p>${inner}</p>`.text).toBe(
      '<p><b title="&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;">&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;1</b></p>',
    );
    expect(escapeHtml('a\u202eb\u0000')).toBe('a\ufffdb\ufffd');
  });

  it('keeps JSON inside of its script element', () => {
    const value = { name: '</script><script>alert(1)</script><!--', more: ['\u2028&'] };
    const { text } = scriptJson(value);
    expect(text).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(text)).toEqual(value);
  });

  it('says of a share neither nothing nor all when it is not', () => {
    expect([
      share(0, 9),
      share(1, 9_999_999),
      share(9_999_998, 9_999_999),
      share(9, 9),
      share(null, 9),
    ]).toEqual(['0.0\u00a0%', '< 0.1\u00a0%', '> 99.9\u00a0%', '100.0\u00a0%', '–']);
  });
});

describe('charts', () => {
  it('stack a bar per slide, to scale', () => {
    const bars = [
      { positive: 30, negative: 70, marked: true },
      { positive: 0, negative: 50, marked: false },
    ];
    const chart = slideBars(bars);
    const heights = (path: string) =>
      [...path.matchAll(/M[\d.]+ ([\d.]+)h[\d.]+V([\d.]+)/g)].map(
        ([, from, to]) => Number(from) - Number(to),
      );
    expect(heights(chart.positive)).toEqual([300]);
    expect(heights(chart.negative)).toEqual([700, 500]);
    expect(chart.marks.match(/M/g)).toHaveLength(1);
    expect(chart.ticks.at(-1)).toEqual({ value: 100, top: 0 });
    expect(slideBars([{ positive: 1, negative: 0, marked: false }]).ticks.map(({ value }) => value)).toEqual([
      0, 1,
    ]);
  });

  it('draw a step for each value, and cut what towers over the rest', () => {
    const flat = Array.from({ length: 256 }, () => 10);
    const peak = flat.with(255, 100_000);
    expect(ceilingOf([flat, flat, flat])).toBeCloseTo(10.2);
    expect(ceilingOf([peak, flat, flat])).toBeCloseTo(30.6);
    const chart = histogramChart([peak, flat, flat], { width: 400, height: 190, ceiling: 30 });
    expect(chart.areas).toHaveLength(3);
    expect(Math.min(...[...chart.lines[0]!.matchAll(/[,V]([\d.]+)/g)].map(([, y]) => Number(y)))).toBe(10);
    expect(ceilingOf([[0], [0], [0]])).toBeGreaterThan(0);
  });
});

describe('slide maps', () => {
  it('have a dot at each patch, positive ones over the others, at one scale', () => {
    const rows = [
      ['a', 1000, 1000, 0],
      ['a', 89_000, 1000, 1],
      ['a', 89_000, 1000, 0],
      ['b', 5, 5, 0],
      ['b', 5, 44_005, 1],
    ] as const;
    const row = (i: number) => {
      const [wsi, coord_x, coord_y] = rows[i]!;
      return { wsi, coord_x, coord_y, tumor_patch: false, center_tumor_patch: false };
    };
    const meta = { rows: rows.length, slides: ['a', 'b'], row };
    const labels = Uint8Array.from(rows.map(([, , , label]) => label));
    const { maps, scale } = drawSlideMaps([{ meta, labels }, null]);
    expect(maps.map((bySlide) => [...bySlide.keys()])).toEqual([['a', 'b'], []]);
    const [a, b] = ['a', 'b'].map((wsi) => pixelsOf(maps[0]!.get(wsi)!.png));
    expect([a!.width, a!.height, b!.width, b!.height]).toEqual([176, 8, 8, 92]);
    expect([a!.at(0, 0), a!.at(175, 7), a!.at(88, 4), b!.at(0, 0), b!.at(7, 91)]).toEqual([1, 2, 0, 1, 2]);
    expect(scale).toBeCloseTo((2 * 88_000) / 168);
  });

  it('are none without slides, and one dot where a slide has one patch', () => {
    expect(drawSlideMaps([null])).toEqual({ maps: [new Map()], scale: null });
    const row = () => ({ wsi: 'a', coord_x: 7, coord_y: 7, tumor_patch: false, center_tumor_patch: false });
    const { maps } = drawSlideMaps([{ meta: { rows: 1, slides: ['a'], row }, labels: null }]);
    expect(pixelsOf(maps[0]!.get('a')!.png)).toMatchObject({ width: 8, height: 8 });
  });
});

describe('the most repeated contents', () => {
  const split = (name: 'train' | 'valid', contents: string, labels: number[] | null): SplitDetails => {
    const digests = [...contents].map((content) => createHash('sha1').update(content).digest());
    return {
      split: name,
      scan: { count: contents.length, sha1: new Uint8Array(Buffer.concat(digests)) },
      labels: labels && Uint8Array.from(labels),
    } as unknown as SplitDetails;
  };

  it('are counted within and across splits, most copies first', () => {
    const splits = [split('train', 'abcab', [0, 1, 0, 0, 0]), split('valid', 'bdad', [0, 1, 0, 1])];
    expect(mostRepeated(splits, 9)).toEqual({
      contents: [
        { place: 0, index: 0, counts: [2, 1], conflicting: false },
        { place: 0, index: 1, counts: [2, 1], conflicting: true },
        { place: 1, index: 1, counts: [0, 2], conflicting: false },
      ],
      total: 3,
    });
    expect(mostRepeated(splits, 1)).toMatchObject({ contents: [{ index: 0 }], total: 3 });
    expect(mostRepeated([split('train', 'abc', null)], 9)).toEqual({ contents: [], total: 0 });
  });
});

function pixelsOf(png: Uint8Array) {
  const chunks = chunksOf(png);
  const [width, height] = [chunks[0]!.body.readUInt32BE(0), chunks[0]!.body.readUInt32BE(4)];
  const raw = inflateSync(chunks.find(({ type }) => type === 'IDAT')!.body);
  const row = 1 + Math.ceil(width / 4);
  return {
    width,
    height,
    at: (x: number, y: number) => (raw[y * row + 1 + (x >> 2)]! >> (6 - 2 * (x % 4))) & 3,
  };
}
