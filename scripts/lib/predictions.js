/** Predictions of two models that do not exist, for the pictures of a score. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../../dist/core/index.js';
import { openSplit, readManifest } from '../../dist/index.js';

/** Writes probabilities with an error of its own for each slide, and gives the paths by model and split. */
export async function writePredictions(folder, data) {
  const files = {};
  for (const [model, noise] of [
    ['ours', 1.1],
    ['theirs', 1.4],
  ]) {
    files[model] = {};
    for (const split of ['valid', 'test']) {
      const opened = await openSplit({ ...data, manifest: await readManifest(data.manifest), split });
      const { labels, meta } = opened;
      const random = new Random(labels.length, noise * 10, split === 'test' ? 1 : 0);
      const errors = new Map(meta.slides.map((slide) => [slide, random.between(-1, 1)]));
      const rows = Array.from(labels, (label, index) => {
        const normal = random.between(-1, 1) + random.between(-1, 1) + random.between(-1, 1);
        const logit = 3.2 * (label - 0.5) + errors.get(meta.row(index).wsi) + noise * normal;
        return `${split}_${index},${1 / (1 + Math.exp(-logit))}`;
      });
      opened.close();
      files[model][split] = join(folder, `${model}-${split}.csv`);
      await writeFile(files[model][split], `key,prob\n${rows.join('\n')}\n`);
    }
  }
  return files;
}
