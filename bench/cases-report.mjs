/** `pcam report` against reading the images once, which it cannot do without. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compare } from './compare.mjs';
import { dataFolder, PCAM, stem, tissue } from './data.mjs';
import { shell } from './measure.mjs';

const LARGEST_PAGE = 5_000_000;
const SECTIONS = 8;

export async function reports({ work, split, patches, runs }) {
  const folder = await tissue({ work, split, patches });
  const dir = await dataFolder({ folder, work, split });
  const page = join(work, 'report.html');
  const common = ['--manifest', join(folder, 'manifest.json'), '--dir', dir, '--split', split];
  let earlier;
  const row = await compare({
    runs,
    work: `report of ${patches} patches, verified before`,
    against: 'cat of the images',
    ours: [...PCAM, 'report', ...common, '-o', page, '--json'],
    theirs: shell(`cat '${join(dir, `${stem(split)}_x.h5`)}' > /dev/null`),
    before: () => rmSync(join(dir, '.pcam', 'scans'), { recursive: true, force: true }),
    check() {
      const text = readFileSync(page, 'utf8');
      if (Buffer.byteLength(text) > LARGEST_PAGE) throw new Error(`a page of ${text.length} characters`);
      if (text.match(/<section id=/g)?.length !== SECTIONS)
        throw new Error('a page without all its sections');
      if (earlier !== undefined && earlier !== text) throw new Error('the second page differs');
      earlier = text;
    },
  });
  return [row];
}
