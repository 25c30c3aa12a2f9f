/** Parquet in the folders and names of the Hugging Face hub, with a dataset card. */
import { datasetCard, HUB_SPLITS } from './card.js';
import { CROISSANT_FILE, parquetCroissant } from './croissant.js';
import { writeParquet } from './parquet-file.js';
import { estimatePngRow, numberedShards } from './sample.js';
import type { ExportFormat } from './types.js';

export const parquet: ExportFormat = {
  format: 'parquet',
  layout: 'shards',
  revision: 1,
  summary: 'Parquet as on the Hugging Face hub, for datasets, DuckDB, Spark and Ray',
  indexes: [],
  sha1: true,
  workers: 4,
  // Ten times the shards of the others: train becomes 13 files of some 370 MB, near the hub's 500 MB.
  shardSize: 20_480,

  bytesPerPatch: estimatePngRow,

  plan: numberedShards((split, numbers) => `data/${HUB_SPLITS[split]}-${numbers}.parquet`),

  write: ({ task, recipe, source, output }) =>
    writeParquet({ split: task.split, recipe, source, sink: output.create(task.files[0]!.file) }),

  finish: (request) => [
    { file: 'README.md', text: datasetCard(request) },
    { file: CROISSANT_FILE, text: parquetCroissant(request) },
  ],
};
