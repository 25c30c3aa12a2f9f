/** The generated files of the package follow from what they were generated from. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { packageFiles } from '../../scripts/lib/package-files.js';

test('every generated file of the package is current (if not: npm run docs)', async () => {
  for (const { path, text } of await packageFiles()) expect(await readFile(path, 'utf8'), path).toBe(text);
});
