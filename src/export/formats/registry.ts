/** The export formats, one line each, and the export itself. */
import { PcamError } from '../../core/index.js';
import { imageFolder } from './image-folder.js';
import { parquet } from './parquet.js';
import { rawFolder, rawShards } from './raw.js';
import { tfrecord } from './tfrecord.js';
import type { ExportFormat } from './types.js';
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
