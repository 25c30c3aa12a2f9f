/** Rows and patches: which score is whose, and how an error names what does not fit. */
import { describe, expect, it } from 'vitest';
import { align } from '#pcam/score/input/align.js';
import { RowCollector, sha1Key } from '#pcam/score/input/rows.js';
import { pcamError } from '../../support/outcome.js';

const PATCHES = 4;
/** SHA-1s of the split, in which patch 2 repeats patch 0. */
const DIGESTS = ['aa', 'bb', 'aa', 'cc'].map((byte) => byte.repeat(20));
const FIRST = Uint32Array.of(0, 1, 0, 3);
const OF_VALID = 'dd'.repeat(20);

const key = (sha1: string) => sha1Key(Buffer.from(sha1, 'hex'), 0);

function alignText(text: string, { images = true } = {}) {
  const [header, ...lines] = text.split(' ').map((line) => line.split(','));
  const collector = new RowCollector({ file: 's.csv', header: header! });
  for (const line of lines) collector.add(line);
  const own = new Map(DIGESTS.map((sha1, patch) => [key(sha1), FIRST[patch]!]));
  const valid = new Map([[key(OF_VALID), 0]]);
  return align({
    rows: collector.rows(),
    split: 'test',
    patches: PATCHES,
    first: FIRST,
    bySha1: async (split) => (!images ? null : split === 'test' ? own : split === 'valid' ? valid : null),
  });
}

describe('every patch gets the score', () => {
  it.each([
    ['of its row', 'prob 1 2 3 4'],
    ['of its index', 'index,prob 3,4 1,2 0,1 2,3'],
    ['of its key', 'id,prob test_000001,2 x/test_0.png,1 test_3,4 test_02,3'],
    ['of its row, said twice', 'index,prob 0,1 1,2 2,3 3,4 3,4.0000005'],
  ])('%s', async (_, text) => {
    expect(await alignText(text)).toEqual({ scores: Float64Array.of(1, 2, 3, 4), ignored: 0 });
  });

  it('of its SHA-1, as do the patches with the same pixels; those of another split are counted', async () => {
    const [a, b, , c] = DIGESTS;
    const found = await alignText(`id,label ${c}.tif,3 ${a},1 ${b},2 ${OF_VALID},9`);
    expect(found).toEqual({ scores: Float64Array.of(1, 2, 1, 3), ignored: 1 });
  });

  it('of its split; rows of others are counted, whatever is in them', async () => {
    const text = 'split,index,prob test,0,1 valid,0,x test,1,2 train,99,7 test,2,3 test,3,4';
    expect(await alignText(text)).toEqual({ scores: Float64Array.of(1, 2, 3, 4), ignored: 2 });
  });
});

describe('an error names how many and the first ones', () => {
  it.each([
    ['a wrong number of rows', 'prob 1 2 3', /expected 4 scores, .* found 3/],
    [
      'patches without a score',
      'index,prob 1,2',
      /3 patches of test without a score \(test 0, test 2, test 3\)/,
    ],
    [
      'rows without a patch',
      'index,prob 0,1 1,2 2,3 3,4 4,5 x,6',
      /2 rows that name no patch of test \(row 5: "4", row 6: "x"\)/,
    ],
    [
      'scores that are no number',
      'index,prob 0,1 1,high 2,3 3,',
      /2 scores that are no finite number \(row 2: "high", row 4: ""\)/,
    ],
    [
      'two scores for a patch',
      'index,prob 0,1 1,2 2,3 3,4 3,5',
      /1 row that repeats a patch with another score \(row 5: "5"\)/,
    ],
    [
      'two scores for the same pixels',
      `sha1,prob ${DIGESTS[0]},1 ${DIGESTS[2]},2 ${DIGESTS[1]},2 ${DIGESTS[3]},4`,
      /1 row that repeats/,
    ],
    [
      'an unknown SHA-1',
      `sha1,prob ${DIGESTS[0]},1 ${DIGESTS[1]},2 ${DIGESTS[3]},4 ${'ee'.repeat(20)},5`,
      /row 4: "eeee/,
    ],
    ['many', 'index,prob 0,1 1,2 9,3 9,3 9,3 9,3', /4 rows .*row 5: "9", …\); 2 patches/],
  ])('%s', async (_, text, words) => {
    const error = await pcamError(alignText(text));
    expect(error.code).toBe('BAD_DATA');
    expect(error.message).toMatch(words);
  });

  it('says that SHA-1s need the images', async () => {
    expect(await pcamError(alignText(`sha1,prob ${DIGESTS[0]},1`, { images: false }))).toMatchObject({
      code: 'MISSING',
    });
  });
});
