/** Option values: what people type, and what is refused. */
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  addPatchOptions,
  kinds,
  list,
  type PatchOptions,
  part,
  rate,
  selectionOf,
  splits,
  whole,
} from '#pcam/commands/options.js';

describe('part', () => {
  it('reads the second of four jobs', () => {
    expect(part('2/4')).toEqual({ index: 2, of: 4 });
    expect(part('4/4')).toEqual({ index: 4, of: 4 });
  });

  it.each(['4/3', '0/3', '1', '1/0', 'a/b', '-1/3', '1/3/5', '2/4x', ' 2/4', '1/9999999'])(
    'refuses %j',
    (text) => {
      expect(() => part(text)).toThrow(/It must be I\/N/);
    },
  );
});

describe('rate', () => {
  it.each([
    ['1', 1],
    ['500k', 500e3],
    ['2M', 2e6],
    ['1.5MiB', 1.5 * 2 ** 20],
    ['1g', 1e9],
    ['3MB/s', 3e6],
    [' 10 k ', 10e3],
  ])('%s', (text, bytes) => {
    expect(rate(text)).toBe(bytes);
  });

  it.each(['', '0', '0.1', '-1', 'fast', '1T', '1e6', '1,5M', 'Infinity', 'k'])('refuses %j', (text) => {
    expect(() => rate(text)).toThrow();
  });
});

describe('whole', () => {
  const to64 = whole({ min: 1, max: 64 });
  it.each(['', '0', '65', '1.5', '-1', '1e1', '0x10', ' 3', 'NaN'])('refuses %j', (text) => {
    expect(() => to64(text)).toThrow();
  });

  it('takes what is between', () => {
    expect([to64('1'), to64('64'), to64('007')]).toEqual([1, 64, 7]);
  });
});

describe('lists', () => {
  it('take commas and repeats', () => {
    expect(list('a, b,,c', ['z'])).toEqual(['z', 'a', 'b', 'c']);
    expect(splits('val,TRAIN', ['test'])).toEqual(['test', 'valid', 'train']);
    expect(splits('all,val', ['test'])).toEqual(['test', 'train', 'valid']);
    expect(kinds('x,y,meta')).toEqual(['images', 'labels', 'meta']);
  });

  it.each(['', ',', 'constructor', '__proto__', 'toString', 'every'])('of splits refuse %j', (text) => {
    expect(() => splits(text)).toThrow();
  });

  it('do not change what they are given', () => {
    const previous = Object.freeze(['a']) as string[];
    expect(list('b', previous)).toEqual(['a', 'b']);
  });
});

function parse(...args: string[]) {
  const command = addPatchOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return selectionOf(command.parse(args, { from: 'user' }).opts<PatchOptions>());
}

it('turns what people type into a selection', () => {
  expect(parse()).toEqual({});
  expect(
    parse(
      ...['--unique', '--label', '1', '--slides', '*tumor*,*_1?', '--slides', 'x', '--per-class', '3'],
      ...['--per-slide', '2', '--sample', '5', '--indices', 'i.txt', '--shuffle', '--seed', '7'],
    ),
  ).toEqual({
    unique: true,
    label: 1,
    slides: ['*tumor*', '*_1?', 'x'],
    perClass: 3,
    perSlide: 2,
    sample: 5,
    indices: 'i.txt',
    shuffle: true,
    seed: 7,
  });
});

it.each([
  ['--label', '2'],
  ['--sample', '0'],
  ['--per-class', 'all'],
  ['--seed', '-1'],
  ['--slides', ','],
])('refuses %s %s', (...args) => {
  expect(() => parse(...args)).toThrow();
});
