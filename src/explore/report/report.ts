/** `report`: writes one HTML page about the data set that needs nothing else. */
import { DEFAULTS, type OnEvent } from '../../core/index.js';
import { writeOutput } from '../../fs/index.js';
import { type Manifest, resolveManifest, type SplitName } from '../../manifest/index.js';
import { requireOutputFile } from '../../verified/index.js';
import { collectReport } from './collect.js';
import { renderPage } from './page/index.js';

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

/**
 * Writes the report: verdict, contact sheet, splits, duplicates, leakage, slides, color, and how to load the data. The
 * same data gives the same bytes. Data other than the manifest's is reported as such.
 * @throws PcamError USAGE; MISSING, BAD_HDF5, BAD_CSV, BAD_DATA, NOT_VERIFIED when a file changes meanwhile;
 *   NOT_A_FOLDER, DISK_FULL, NO_PERMISSION, IO; ABORTED
 */
export async function report(options: ReportOptions = {}): Promise<ReportResult> {
  const { dir = DEFAULTS.dir, out = DEFAULTS.report } = options;
  const manifest = await resolveManifest(options.manifest);
  const target = await requireOutputFile({ path: out, dir, manifest, given: options.manifest });
  const page = Buffer.from(renderPage(await collectReport({ ...options, dir, manifest })));
  await writeOutput({ path: out, target }, page);
  return { ok: true, out, bytes: page.length };
}
