import { expect, it } from 'vitest';
import { globMatcher } from '#pcam/selection/slides.js';

it.each([
  ['*tumor_0?3*', 'camelyon16_train_tumor_033', true],
  ['*tumor_0?3*', 'camelyon16_train_tumor_034', false],
  ['tumor_033', 'camelyon16_train_tumor_033', false],
  ['*', '', true],
  ['?', '', false],
  ['*a*b*c', 'xaybzc', true],
  ['*a*b*c', 'xaybzcd', false],
  ['*_0[1-3]', 'normal_02', true],
  ['*_0[!1-3]', 'normal_02', false],
  ['a[]]', 'a]', true],
  ['a[b', 'a[b', true],
  ['a.c', 'abc', false],
])('%s and %s: %s', (pattern, name, expected) => {
  expect(globMatcher(pattern)(name)).toBe(expected);
});

it('takes no time for a pattern that would keep a regular expression busy for ever', () => {
  expect(globMatcher(`${'*a'.repeat(40)}b`)('a'.repeat(200))).toBe(false);
});
