/** A short soak; PCAM_SOAK_SECONDS and PCAM_SOAK_SEED make it longer, or repeat one. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temp.js';
import { soak } from './soak.js';

const seconds = Number(process.env.PCAM_SOAK_SECONDS ?? 12);
const seed = Number(process.env.PCAM_SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`a soak of ${seconds} s with seed ${seed}`, { timeout: seconds * 1000 + 240_000 }, async () => {
  const folder = join(await temporaryFolder(), 'soak');
  const say = (line: string) => process.stderr.write(`${line}\n`);
  say(`soak: seed ${seed}`);
  const figures = await soak({ folder, seed, seconds, say });
  say(`soak: ${JSON.stringify(figures)}`);
  expect(figures.datasets).toBeGreaterThan(0);
});
