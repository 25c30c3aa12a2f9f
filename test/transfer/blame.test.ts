/** Who is to blame for wrong bytes, as a table: what happened, and what is decided each time. */
import { describe, expect, it } from 'vitest';
import { Blame, type BlameEvent, type Decision } from '#pcam/transfer/blame.js';

const mismatch = (from: string, usable: string): BlameEvent => ({
  type: 'mismatch',
  from: from.split(' '),
  usable: list(usable),
});
const noSource = (from: string, usable = ''): BlameEvent => ({
  type: 'no-source',
  from: new Set(list(from)),
  usable: list(usable),
});
const changed = (source: string): BlameEvent => ({ type: 'changed', source });
const otherSize = (source: string): BlameEvent => ({ type: 'other-size', source });
const tampered: BlameEvent = { type: 'tampered' };

/** `everything; out a b; only c; again d; fail mismatch`, without what is not so. */
function told({ discard, verdict: { out, only, readmit }, fail }: Decision): string {
  const words = [typeof discard === 'string' ? discard : `of ${discard.from}`];
  if (out.size > 0) words.push(`out ${[...out.keys()].join(' ')}`);
  if (only !== undefined) words.push(`only ${only}`);
  if (readmit.size > 0) words.push(`again ${[...readmit].join(' ')}`);
  if (fail !== undefined) words.push(`fail ${fail}`);
  return words.join('; ');
}

function list(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

interface Row {
  name: string;
  steps: [BlameEvent, string][];
}

const ROWS: Row[] = [
  {
    name: 'a source that gave all of a wrong file is out, where there is another',
    steps: [[mismatch('a', 'a b'), 'everything; out a']],
  },
  {
    name: 'the only source gets a second chance, and no third',
    steps: [
      [mismatch('a', 'a'), 'everything'],
      [mismatch('a', 'a'), 'everything; out a; fail mismatch'],
    ],
  },
  {
    name: 'the last source left gets its second chance too',
    steps: [
      [mismatch('a', 'a b'), 'everything; out a'],
      [mismatch('b', 'b'), 'everything; out a'],
      [mismatch('b', 'b'), 'everything; out a b; fail mismatch'],
    ],
  },
  {
    name: 'of a mixture each one is tried alone, in the order of preference',
    steps: [
      [mismatch('b a', 'a b c'), 'everything; only a'],
      [mismatch('a', 'a b c'), 'everything; out a; only b'],
      [mismatch('b', 'b c'), 'everything; out a b'],
    ],
  },
  {
    name: 'a suspect that cannot deliver alone does not keep the next one from being tried',
    steps: [
      [mismatch('a b', 'a b'), 'everything; only a'],
      [noSource('a', 'b'), 'everything; out a; only b'],
      [noSource('b', ''), 'everything; out a b; fail mismatch'],
    ],
  },
  {
    name: 'of a mixture with sources that are gone, those that are left are tried',
    steps: [[mismatch('old a', 'a b'), 'everything; only a']],
  },
  {
    name: 'bytes of another tool are blamed first, nobody else for them, and only they are fetched again',
    steps: [
      [mismatch('import a', 'a b'), 'of import'],
      [mismatch('a', 'a b'), 'everything; out a'],
    ],
  },
  {
    name: 'after a wrong digest, bytes that nobody completes are kept, and the file fails of the digest',
    steps: [
      [mismatch('a', 'a b'), 'everything; out a'],
      [noSource('b', ''), 'nothing; out a; fail mismatch'],
    ],
  },
  {
    name: 'no source, and nothing wrong before: that is what the file fails of',
    steps: [[noSource('a', ''), 'nothing; fail no-source']],
  },
  {
    name: 'a copy that changes is forgotten twice, and given up the third time',
    steps: [
      [changed('a'), 'of a'],
      [changed('a'), 'of a'],
      [changed('a'), 'of a; out a'],
    ],
  },
  {
    name: 'changes of two sources, and of the disk, do not add up',
    steps: [
      [tampered, 'nothing'],
      [changed('a'), 'of a'],
      [tampered, 'nothing'],
      [changed('b'), 'of b'],
      [changed('a'), 'of a'],
      [changed('b'), 'of b'],
      [tampered, 'nothing; fail tampered'],
    ],
  },
  {
    name: 'sources of another size are asked again when the first size proves wrong',
    steps: [
      [otherSize('b'), 'nothing'],
      [mismatch('a', 'a'), 'everything; again b'],
      [mismatch('b', 'a b'), 'everything; out b'],
    ],
  },
  {
    name: 'sources of another size take over when those that told the first one cannot deliver',
    steps: [
      [otherSize('b'), 'nothing'],
      [otherSize('c'), 'nothing'],
      [noSource('a', ''), 'everything; out a; again b c'],
      [otherSize('c'), 'nothing; out a'],
      [noSource('b', ''), 'everything; out a b; again c'],
      [otherSize('b'), 'nothing; out a b'],
      [noSource('c', ''), 'nothing; out a b; fail no-source'],
    ],
  },
  {
    name: 'new sizes and changes do not pay for each other',
    steps: [
      [changed('a'), 'of a'],
      [changed('a'), 'of a'],
      [otherSize('b'), 'nothing'],
      [noSource('a', ''), 'everything; out a; again b'],
      [changed('b'), 'of b; out a'],
    ],
  },
];

describe('Blame', () => {
  it.each(ROWS)('$name', ({ steps }) => {
    const blame = new Blame();
    expect(steps.map(([event]) => told(blame.decide(event)))).toEqual(steps.map(([, expected]) => expected));
  });

  it('says why a source is given up', () => {
    const blame = new Blame();
    expect([...blame.decide(mismatch('a', 'a b')).verdict.out]).toEqual([
      ['a', 'its bytes have a wrong digest'],
    ]);
  });
});
