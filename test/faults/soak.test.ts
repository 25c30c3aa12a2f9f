/** A short soak with a fixed seed; `npm run soak` is long and takes another seed each time. PCAM_SOAK_SEED repeats one. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temp.js';
import { soak } from './soak.js';

const seconds = Number(process.env.PCAM_SOAK_SECONDS ?? 12);
const seed = Number(
  process.env.PCAM_SOAK_SEED ?? (process.env.PCAM_SOAK_SECONDS ? Math.floor(Math.random() * 2 ** 31) : 1),
);

test(`a soak of ${seconds} s with seed ${seed}`, { timeout: seconds * 1000 + 240_000 }, async () => {
  const folder = join(await temporaryFolder(), 'soak');
  const say = (line: string) => process.stderr.write(`${line}\n`);
  say(`soak: seed ${seed}`);
  const figures = await soak({ folder, seed, seconds, say });
  say(`soak: ${JSON.stringify(figures)}`);
  expect(figures.datasets).toBeGreaterThan(0);
});
