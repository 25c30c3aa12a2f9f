/** Which patches a sheet shows. */
import { describe, expect, it } from 'vitest';
import { type Candidates, firstOf, spreadOf } from '#pcam/explore/preview/choose.js';
import type { SplitName } from '#pcam/manifest/types.js';

interface Plan {
  split?: SplitName;
  count: number;
  label?: (index: number) => 0 | 1 | null;
  slide?: (index: number) => string | null;
}

function candidates({ split = 'train', count, label = (i) => (i % 2) as 0 | 1, slide = () => null }: Plan) {
  const indices = Uint32Array.from({ length: count }, (_, i) => i);
  return { split, indices, labelOf: label, slideOf: slide } satisfies Candidates;
}

function labelsOf(chosen: readonly { label: number | null }[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { label } of chosen) sums[String(label)] = (sums[String(label)] ?? 0) + 1;
  return sums;
}

describe('spread', () => {
  it('takes half positive and half negative patches, each once, and the same ones for a seed', () => {
    const of = [candidates({ count: 100, label: (i) => (i < 90 ? 0 : 1) })];
    const chosen = spreadOf(of, 16, 3);
    expect(labelsOf(chosen)).toEqual({ 0: 8, 1: 8 });
    expect(new Set(chosen.map(({ index }) => index)).size).toBe(16);
    expect(spreadOf(of, 16, 3)).toEqual(chosen);
    expect(spreadOf(of, 16, 4)).not.toEqual(chosen);
  });

  it('fills up with the other class where one runs out', () => {
    const of = [candidates({ count: 20, label: (i) => (i < 3 ? 1 : 0) })];
    expect(labelsOf(spreadOf(of, 16, 0))).toEqual({ 0: 13, 1: 3 });
    expect(spreadOf(of, 99, 0)).toHaveLength(20);
    expect(labelsOf(spreadOf([candidates({ count: 9, label: () => null })], 4, 0))).toEqual({ null: 4 });
  });

  it('takes one patch of each slide before a second one of any', () => {
    const skewed = (i: number) => (i < 990 ? 'large' : `small ${i % 5}`);
    const of = [candidates({ count: 1000, slide: skewed, label: () => 1 })];
    const slides = spreadOf(of, 6, 1).map(({ index }) => skewed(index));
    expect(new Set(slides).size).toBe(6);
  });

  it('gives the splits equal shares', () => {
    const of = [candidates({ count: 500 }), candidates({ split: 'valid', count: 50 })];
    const shown = spreadOf(of, 20, 1).filter(({ split }) => split === 'valid');
    expect(labelsOf(shown)).toEqual({ 0: 5, 1: 5 });
  });
});

describe('first', () => {
  it('keeps the order of the selection, and shares between splits', () => {
    const of = [
      { ...candidates({ count: 3 }), indices: Uint32Array.of(9, 4, 7) },
      { ...candidates({ split: 'test' as const, count: 9 }) },
    ];
    const chosen = firstOf(of, 8).map(({ split, index }) => `${split} ${index}`);
    expect(chosen).toEqual([
      'train 9',
      'train 4',
      'train 7',
      'test 0',
      'test 1',
      'test 2',
      'test 3',
      'test 4',
    ]);
    expect(firstOf(of, 99)).toHaveLength(12);
  });
});
