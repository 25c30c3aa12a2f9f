/**
 * The folder that CLIP_benchmark, open_clip and DataComp read as `wds/vtab/pcam`: tar shards that are numbered from 0 in a
 * folder per split, and the class names and templates of their zero-shot evaluation.
 * https://github.com/LAION-AI/CLIP_benchmark/blob/main/clip_benchmark/datasets/builder.py (build_wds_dataset)
 */
import { encodePng, estimatePngBytes, TarWriter, tarMemberBytes } from '../encode/index.js';
import { cutShards, eachPatch, LABEL_TEXTS, patchKey } from './sample.js';
import type { ExportFormat } from './types.js';

const CLASS_NAMES = ['lymph node', 'lymph node containing metastatic tumor tissue'];
const TEMPLATES = ['a histopathology slide showing {c}', 'histopathology image of {c}'];

export const clipBenchmark: ExportFormat = {
  format: 'clip-benchmark',
  layout: 'shards',
  revision: 1,
  summary: 'tar shards with class names and templates, for CLIP_benchmark, open_clip and DataComp',
  workers: 8,
  shardSize: 10_000,

  bytesPerPatch: ({ side }) => tarMemberBytes(estimatePngBytes(side)) + tarMemberBytes(1),

  plan: ({ split, recipe: { shardSize } }) =>
    cutShards({ split, shardSize, files: (number) => [{ file: `${split.split}/${number}.tar` }] }),

  write({ task: { split, files }, source, output }) {
    const tar = new TarWriter(output.create(files[0]!.file));
    for (const { index, pixels } of eachPatch(source)) {
      const key = patchKey(split, index);
      tar.add(`${key}.png`, encodePng(pixels, source.side));
      tar.add(`${key}.cls`, LABEL_TEXTS[source.labels[index]!]!);
    }
    tar.finish();
  },

  finish: ({ splits, records }) => [
    ...splits.map(({ split }) => {
      const shards = [...records.values()].filter((record) => record.split === split).length;
      return { file: `${split}/nshards.txt`, text: () => `${shards}\n` };
    }),
    { file: 'classnames.txt', text: () => lines(CLASS_NAMES) },
    { file: 'zeroshot_classification_templates.txt', text: () => lines(TEMPLATES) },
  ],
};

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
