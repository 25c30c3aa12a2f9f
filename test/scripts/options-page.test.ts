/** docs/options.md says what the command line takes, no more and no less. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { EXIT_CODES } from '#pcam/core/errors.js';
import { optionsPage } from '../../scripts/options-page.js';

const page = await readFile(new URL('../../docs/options.md', import.meta.url), 'utf8');

it('docs/options.md is current (npm run docs)', async () => {
  expect(page).toBe(await optionsPage());
});

it('docs/options.md lists every exit code', () => {
  const codes = page.split('## Exit codes')[1]!;
  for (const code of new Set([0, ...Object.values(EXIT_CODES)])) {
    expect(codes, String(code)).toMatch(new RegExp(`\\b${code}\\b`));
  }
});
