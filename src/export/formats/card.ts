/** The dataset card of a Parquet export: a README.md whose header describes the files to the hub and its viewer. */
import { formatInteger } from '../../core/index.js';
import { isSynthetic } from '../../manifest/index.js';
import { HUB_SPLITS } from './sample.js';
import type { Recipe, SplitSummary } from './types.js';

const REAL = `# PatchCamelyon (PCam)

Patches of lymph node sections, stained with H&E.`;
const SYNTHETIC = `# Synthetic data in the layout of PatchCamelyon

Patches drawn by \`pcam fixture\`, for tests: there is no tissue in them, and nothing to learn from.`;
const CITATION = ` Please cite B. S. Veeling, J. Linmans, J. Winkens, T. Cohen, M. Welling: Rotation Equivariant CNNs for
Digital Pathology, arXiv:1806.03962, and B. Ehteshami Bejnordi et al., doi:10.1001/jama.2017.14585 (Camelyon16).`;

/** https://huggingface.co/docs/hub/datasets-cards */
export function datasetCard({ recipe, splits }: { recipe: Recipe; splits: readonly SplitSummary[] }): string {
  const side = recipe.crop === null ? '96 x 96 px' : '32 x 32 px, the centre of the original 96 x 96 px';
  const files = splits.map(
    ({ split }) => `  - split: ${HUB_SPLITS[split]}\n    path: data/${HUB_SPLITS[split]}-*`,
  );
  const rows = splits.map(({ split, patches }) => `| ${HUB_SPLITS[split]} | ${formatInteger(patches)} |`);
  const synthetic = isSynthetic(recipe.dataset);
  return `---
license: cc0-1.0
task_categories:
- image-classification
pretty_name: ${synthetic ? 'Synthetic data in the layout of PatchCamelyon' : 'PatchCamelyon'}
tags:
${synthetic ? '- synthetic' : '- medical\n- histopathology'}
configs:
- config_name: default
  data_files:
${files.join('\n')}
---

${synthetic ? SYNTHETIC : REAL} \`image\` is an RGB PNG of ${side};
\`label\` is 1 when the centre 32 x 32 px hold ${synthetic ? 'painted tumor' : 'tumor tissue'}.

| split | patches |
|---|---|
${rows.join('\n')}

\`wsi\`, \`coord_x\`, \`coord_y\`, \`tumor_patch\` and \`center_tumor_patch\`, where they are there, say which slide a patch
was cut from, where, and what the annotation says. No slide is in two splits.

Data: CC0.${synthetic ? '' : CITATION}
Written by \`pcam export --format parquet\`; index.json has the digests of every file and of what it was made from.
`;
}
