/** Resamples: the same for the same seed, of the right size, and with the percentiles of NumPy. */
import { describe, expect, it } from 'vitest';
import { bootstrapJob, intervalOf, slideCounts } from '#pcam/score/bootstrap.js';
import { evaluate, rank } from '#pcam/score/metrics.js';
import { Pool } from '#pcam/threads/index.js';

const N = 300;
const labels = Uint8Array.from({ length: N }, (_, i) => Number((i * 7) % 11 < 5));
const scores = Float64Array.from({ length: N }, (_, i) => ((i * 37) % 101) / 100);
const slides = { of: Uint16Array.from({ length: N }, (_, i) => i % 9), count: 9 };
const ranked = rank({
  ...{ scores, values: scores, labels, ranking: true, calibrated: true },
  thresholds: [{ threshold: 0.5, from: 'default' }],
});

const run = (input: Partial<Parameters<typeof bootstrapJob.run>[0]>, threads = 0) =>
  new Pool(threads).run(bootstrapJob, { ranked, slides, resamples: 20, seed: 0, ...input });

describe('resamples', () => {
  it('are those of the slides that were drawn', async () => {
    const samples = await run({});
    for (let resample = 0; resample < 20; resample++) {
      const counts = slideCounts({ count: 9, seed: 0, resample });
      expect(counts.reduce((a, b) => a + b, 0)).toBe(9);
      const weights = Float64Array.from(ranked.patches, (patch) => counts[slides.of[patch]!]!);
      expect(samples.map((values) => values[resample])).toEqual([...evaluate(ranked, weights)]);
    }
  });

  it.each([['slides', slides] as const, ['patches', null] as const])(
    'of %s depend on the seed alone',
    async (_, slides) => {
      const first = await run({ slides });
      expect(await run({ slides }, 1)).toEqual(first);
      expect(await run({ slides, seed: 1 })).not.toEqual(first);
      // More of them begin with the same ones.
      const more = await run({ slides, resamples: 30 });
      expect(more.map((values) => values.subarray(0, 20))).toEqual(first);
    },
  );

  it('of patches have each patch once on average, whatever their number', async () => {
    // The sum of the weights times 1 / N is the accuracy where every answer is right.
    const right = rank({
      ...{ scores: Float64Array.from(labels), values: Float64Array.from(labels), labels },
      ...{ ranking: false, calibrated: false, thresholds: [{ threshold: 0.5, from: 'default' }] },
    });
    const [accuracy] = await run({ ranked: right, slides: null });
    expect([...accuracy!]).toEqual(new Array(20).fill(1));
    const [auc] = await run({ slides: null, resamples: 400 });
    const [value] = evaluate(ranked, new Float64Array(N).fill(1));
    expect(auc!.reduce((a, b) => a + b, 0) / 400).toBeCloseTo(value!, 2);
  });

  it('stop when they are told to', async () => {
    const stop = new AbortController();
    const running = new Pool(0).run(
      bootstrapJob,
      { ranked, slides, resamples: 100_000, seed: 0 },
      { signal: stop.signal },
    );
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('an interval', () => {
  it('has the linear percentiles of NumPy', () => {
    // numpy.percentile(numpy.arange(41) ** 2, [2.5, 97.5])
    expect(intervalOf(Float64Array.from({ length: 41 }, (_, i) => i ** 2))).toEqual([1, 1521]);
    // numpy.percentile([3, 1, 2], [2.5, 97.5])
    expect(intervalOf(Float64Array.of(3, 1, 2))).toEqual([1.05, 2.95]);
  });

  it('leaves out undefined values, up to 5 %', () => {
    const values = Float64Array.from({ length: 100 }, (_, i) => (i < 5 ? Number.NaN : 1));
    expect(intervalOf(values)).toEqual([1, 1]);
    values[5] = Number.NaN;
    expect(intervalOf(values)).toBeNull();
    expect(intervalOf(new Float64Array(0))).toBeNull();
  });
});
