import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addPatchOptions, type PatchOptions, selectionOf } from '#pcam/commands/options/patch-options.js';

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
