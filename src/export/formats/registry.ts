/** The export formats, one line each. */
import { PcamError } from '../../core/index.js';
import type { InputFile } from '../../verified/index.js';
import { imageFolder } from './image-folder.js';
import { parquet } from './parquet.js';
import { rawFolder, rawShards } from './raw.js';
import { tfrecord } from './tfrecord.js';
import type { ExportFormat, FinishRequest, SplitSummary } from './types.js';
import { webdataset } from './webdataset.js';

export const FORMATS: readonly ExportFormat[] = [
  webdataset,
  imageFolder,
  rawShards,
  rawFolder,
  parquet,
  tfrecord,
];

/** @throws PcamError USAGE when there is no such format, or not in this layout */
export function findFormat(format: string, layout: string): ExportFormat {
  const found = FORMATS.find((candidate) => candidate.format === format && candidate.layout === layout);
  if (found) return found;
  const layouts = FORMATS.filter((candidate) => candidate.format === format).map(({ layout }) => layout);
  if (layouts.length === 0) {
    const known = [...new Set(FORMATS.map(({ format }) => format))].join(', ');
    throw new PcamError('USAGE', `there is no format ${format}`, {
      hint: `it is one of ${known}`,
      options: ['format'],
    });
  }
  throw new PcamError('USAGE', `${format} has no layout ${layout}`, {
    hint: `its layout is ${layouts.join(' or ')}`,
    options: ['layout'],
  });
}

/** The small files that describe a finished export; none of a format that this version does not know. */
export function describeExport(index: Omit<FinishRequest, 'meta'> & { inputs: readonly InputFile[] }) {
  const { recipe, splits, inputs } = index;
  const format = FORMATS.find(({ format, layout }) => format === recipe.format && layout === recipe.layout);
  const hasMeta = ({ split }: SplitSummary) =>
    inputs.some((input) => input.split === split && input.kind === 'meta');
  return format?.finish?.({ ...index, meta: splits.every(hasMeta) }) ?? [];
}
