/** The export formats, one line each, and the names that they are also known by. */
import { PcamError } from '../../core/index.js';
import type { SplitName } from '../../manifest/index.js';
import type { InputFile } from '../../verified/index.js';
import { clipBenchmark } from './clip-benchmark.js';
import { imageFolder } from './image-folder.js';
import { parquet } from './parquet.js';
import { rawFolder, rawShards } from './raw.js';
import { tfrecord } from './tfrecord.js';
import type { Description, ExportFormat, FinishRequest } from './types.js';
import { vtab1k } from './vtab-1k.js';
import { webdataset } from './webdataset.js';

export const FORMATS: readonly ExportFormat[] = [
  webdataset,
  imageFolder,
  rawShards,
  rawFolder,
  parquet,
  tfrecord,
  clipBenchmark,
  vtab1k,
];

/** A name for a format in one layout. */
export const ALIASES = {
  webdataset,
  imagefolder: imageFolder,
  npy: rawFolder,
  tfds: tfrecord,
} as const satisfies Record<string, ExportFormat>;

/**
 * @param name of a format, or an alias
 * @param layout default: that of the alias, or shards
 * @throws PcamError USAGE when there is no such format, or not in this layout
 */
export function findFormat(name: string, layout?: string): ExportFormat {
  const candidates = Object.hasOwn(ALIASES, name)
    ? [ALIASES[name as keyof typeof ALIASES]]
    : FORMATS.filter(({ format }) => format === name);
  const wanted = layout ?? (candidates.length === 1 ? candidates[0]!.layout : 'shards');
  const found = candidates.find((candidate) => candidate.layout === wanted);
  if (found) return found;
  if (candidates.length === 0) {
    const known = [...new Set(FORMATS.map(({ format }) => format)), ...Object.keys(ALIASES)].join(', ');
    throw new PcamError('USAGE', `there is no format ${name}`, {
      hint: `it is one of ${known}`,
      options: ['format'],
    });
  }
  throw new PcamError('USAGE', `${name} has no layout ${layout}`, {
    hint: `its layout is ${candidates.map((candidate) => candidate.layout).join(' or ')}`,
    options: ['layout'],
  });
}

/**
 * The small files that describe a finished export; none of a format that this version does not know.
 * @param labels of the patches of a split, in the order of the export
 */
export function describeExport(
  index: Pick<FinishRequest, 'recipe' | 'splits' | 'records'> & { inputs: readonly InputFile[] },
  labels: (split: SplitName) => Uint8Array = () => new Uint8Array(0),
): Description[] {
  const { recipe, splits, records, inputs } = index;
  const format = FORMATS.find(({ format, layout }) => format === recipe.format && layout === recipe.layout);
  const meta = splits.every(({ split }) =>
    inputs.some((input) => input.split === split && input.kind === 'meta'),
  );
  return format?.finish?.({ recipe, splits, records, meta, labels }) ?? [];
}
