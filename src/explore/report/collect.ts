/** Gathers what a report shows: figures of stats, verdicts of files, and pictures. */
import { join } from 'node:path';
import { type OnEvent, PATCH_BYTES, PATCH_SIZE, VERSION } from '../../core/index.js';
import { arrayOf, openImages } from '../../dataset/index.js';
import { encodePng } from '../../export/encode/index.js';
import { statFile } from '../../fs/index.js';
import { finalMd5, finalName, type Manifest, type SplitName } from '../../manifest/index.js';
import { type ClassSums, classSums } from '../../scan/index.js';
import { watchSplits } from '../../verified/index.js';
import { choosePatches } from '../preview/index.js';
import {
  collectStats,
  KAGGLE_PATCHES,
  REAL_DATASET,
  type SplitDetails,
  TRAIN_CHANNELS,
} from '../stats/index.js';
import type { Picture, Repeat, ReportFile, ReportModel, ShownPatch } from './model/index.js';
import { mostRepeated } from './repeats.js';
import { describeSlides } from './slide-facts.js';

export interface CollectRequest {
  dir: string;
  manifest: Manifest;
  splits?: readonly SplitName[];
  workers?: number;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

const SHEET = { rows: 4, cols: 10 };
const MOST_REPEATS = 20;

export async function collectReport(request: CollectRequest): Promise<ReportModel> {
  const { manifest } = request;
  const { result, splits } = await collectStats(request);
  // Pictures are read after what was verified.
  const unchanged = await watchSplits({
    dir: request.dir,
    manifest,
    splits: splits.map(({ split }) => split),
  });
  const real = manifest.dataset === REAL_DATASET;
  const model: ReportModel = {
    version: VERSION,
    manifest: {
      dataset: manifest.dataset,
      homepage: manifest.homepage ?? null,
      license: manifest.license ?? null,
      citation: manifest.citation,
    },
    real,
    files: await filesOf(request, splits),
    stats: result,
    sheet: await sheetOf(request, splits),
    repeats: await repeatsOf(request, splits),
    ...describeSlides(splits),
    meanPatches: await meansOf(request, splits),
    published: real ? { channels: TRAIN_CHANNELS, kaggle: KAGGLE_PATCHES } : null,
  };
  await unchanged();
  return model;
}

/** The files of the splits that were asked for, those of splits that are not there included. */
async function filesOf(
  { dir, manifest, splits: wanted = [] }: CollectRequest,
  splits: readonly SplitDetails[],
): Promise<ReportFile[]> {
  const chosen = manifest.files.filter(({ split }) => wanted.length === 0 || wanted.includes(split));
  return Promise.all(
    chosen.map(async (file): Promise<ReportFile> => {
      const name = finalName(file);
      const path = join(dir, name);
      const stats = await statFile(path);
      const details = splits.find(({ split }) => split === file.split);
      const given = file.extracted ? file.extracted.bytes : file.bytes;
      return {
        name,
        status: !stats ? 'missing' : !details ? 'unchecked' : details.foreign.includes(path) ? 'wrong' : 'ok',
        bytes: stats ? Number(stats.size) : (given ?? null),
        md5: finalMd5(file),
        sha256: file.sha256 ?? null,
      };
    }),
  );
}

async function sheetOf(request: CollectRequest, splits: readonly SplitDetails[]): Promise<ShownPatch[]> {
  const names = splits.map(({ split }) => split);
  const { patches } = await choosePatches({ ...request, ...SHEET, splits: names });
  return patches.map(({ split, index, label, pixels }) => ({
    ...{ split, index, label },
    wsi: splits.find((one) => one.split === split)!.meta?.row(index).wsi ?? null,
    picture: pictureOf(pixels),
  }));
}

async function repeatsOf(
  { dir, manifest }: CollectRequest,
  splits: readonly SplitDetails[],
): Promise<Repeat[]> {
  const contents = mostRepeated(splits, MOST_REPEATS);
  const repeats: Repeat[] = [];
  for (const { place, index, counts, conflicting } of contents) {
    const { split, labels, meta } = splits[place]!;
    const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
    try {
      repeats.push({
        ...{ split, index, conflicting },
        label: labels ? (labels[index] as 0 | 1) : null,
        wsi: meta?.row(index).wsi ?? null,
        picture: pictureOf(images.read(index, index + 1)),
        copies: counts.flatMap((count, i) => (count > 0 ? [{ split: splits[i]!.split, count }] : [])),
      });
    } finally {
      images.close();
    }
  }
  return repeats;
}

async function meansOf(
  request: CollectRequest,
  splits: readonly SplitDetails[],
): Promise<ReportModel['meanPatches']> {
  const sums: ClassSums[] = [];
  const counts = [0, 0];
  for (const { split, labels, scan } of splits) {
    if (!labels) return { positive: null, negative: null };
    sums.push(await classSums({ ...request, split, labels, md5: scan.md5 }));
    for (const label of labels) counts[label]!++;
  }
  const mean = (label: 0 | 1) => {
    if (counts[label] === 0) return null;
    const pixels = new Uint8Array(PATCH_BYTES);
    for (let i = 0; i < PATCH_BYTES; i++) {
      pixels[i] = Math.round(sums.reduce((sum, of) => sum + of[label][i]!, 0) / counts[label]!);
    }
    return pictureOf(pixels);
  };
  return { positive: mean(1), negative: mean(0) };
}

function pictureOf(pixels: Uint8Array): Picture {
  // The encoder's memory is used again for the next one.
  return { png: Buffer.from(encodePng(pixels, PATCH_SIZE)), width: PATCH_SIZE, height: PATCH_SIZE };
}
