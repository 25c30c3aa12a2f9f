/** `report`: writes one HTML page about the data set that needs nothing else. */
import { join } from 'node:path';
import { DEFAULTS, type OnEvent, PATCH_BYTES } from '../../core/index.js';
import { arrayOf, openImages } from '../../dataset/index.js';
import { statFile, writeOutput } from '../../fs/index.js';
import { finalMd5, finalName, type Manifest, resolveManifest, type SplitName } from '../../manifest/index.js';
import { type ClassSums, classSums } from '../../scan/index.js';
import { type Input, openInput, requireOutputFile } from '../../verified/index.js';
import { choosePatchesOf } from '../preview/index.js';
import { measure, type SplitDetails } from '../stats/index.js';
import type { Repeat, ReportFile, ReportModel, ShownPatch } from './model.js';
import { renderPage } from './page.js';
import { pictureOf } from './pictures.js';
import { mostRepeated } from './repeats.js';
import { describeSlides } from './slide-maps.js';

export interface ReportOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  /** @default the splits whose images are in the folder */
  splits?: readonly SplitName[];
  /** The file, in a folder that exists. @default 'report.html' */
  out?: string;
  /** Threads that read images. @default the machine's cores */
  workers?: number;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

export interface ReportResult {
  ok: true;
  out: string;
  bytes: number;
}

const SHEET = { rows: 4, cols: 10 };
const MAX_REPEATS = 20;

/**
 * Writes the report: verdict, contact sheet, splits, duplicates, leakage, slides, color, and how to load the data. The
 * same data gives the same bytes. Data other than the manifest's is reported as such.
 * @throws PcamError USAGE; MISSING, BAD_HDF5, BAD_CSV, BAD_DATA, NOT_VERIFIED when a file changes meanwhile;
 *   NOT_A_FOLDER, DISK_FULL, NO_PERMISSION, IO; ABORTED
 */
export async function report(options: ReportOptions = {}): Promise<ReportResult> {
  const { dir = DEFAULTS.dir, out = DEFAULTS.report, splits, signal, onEvent } = options;
  const manifest = await resolveManifest(options.manifest, dir);
  const target = await requireOutputFile({ path: out, dir, manifest });
  const input = await openInput({ dir, manifest, splits, signal, onEvent });
  const model = await collectReport(input, options);
  await input.requireUnchanged();
  const page = Buffer.from(renderPage(model));
  await writeOutput({ path: out, target }, page);
  return { ok: true, out, bytes: page.length };
}

/** Gathers what the page shows: figures of stats, verdicts of files, and pictures. */
async function collectReport(input: Input, options: ReportOptions): Promise<ReportModel> {
  const { signal, onEvent } = options;
  const { result, splits, provenance } = await measure(input, options);
  return {
    manifest: input.manifest,
    provenance,
    files: await filesOf(input, splits),
    stats: result,
    sheet: await sheetOf(input, splits, { signal, onEvent }),
    ...(await repeatsOf(input, splits)),
    ...describeSlides(splits, provenance),
    meanPatches: await meansOf(input, splits, { signal, onEvent }),
  };
}

type Running = Pick<ReportOptions, 'signal' | 'onEvent'>;

/** The files of the splits of the run, and of those that were left out. */
async function filesOf(
  { dir, manifest, splits: names, leftOut }: Input,
  splits: readonly SplitDetails[],
): Promise<ReportFile[]> {
  const chosen = manifest.files.filter(({ split }) => names.includes(split) || leftOut.includes(split));
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

async function sheetOf(
  input: Input,
  splits: readonly SplitDetails[],
  running: Running,
): Promise<ShownPatch[]> {
  const { patches } = await choosePatchesOf(input, { ...SHEET, ...running });
  return patches.map(({ split, index, label, pixels }) => ({
    ...{ split, index, label },
    wsi: splits.find((one) => one.split === split)!.meta?.row(index).wsi ?? null,
    picture: pictureOf(pixels),
  }));
}

async function repeatsOf(
  { dir, manifest }: Input,
  splits: readonly SplitDetails[],
): Promise<Pick<ReportModel, 'repeats' | 'repeatedContents'>> {
  const { contents, total } = mostRepeated(splits, MAX_REPEATS);
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
  return { repeats, repeatedContents: total };
}

async function meansOf(
  { dir, manifest }: Input,
  splits: readonly SplitDetails[],
  running: Running,
): Promise<ReportModel['meanPatches']> {
  const sums: ClassSums[] = [];
  const counts = [0, 0];
  for (const { split, labels, scan } of splits) {
    if (!labels) return { positive: null, negative: null };
    sums.push(await classSums({ dir, manifest, split, labels, md5: scan.md5, ...running }));
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
