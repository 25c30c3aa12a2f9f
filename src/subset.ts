/** `subset`: writes selected patches as a data set of their own, in the upstream names and layout. */
import { resolve } from 'node:path';
import { DEFAULTS, type OnEvent, PATCH_BYTES, PcamError, throwIfAborted } from './core/index.js';
import { arrayOf, type ImageReader, type MetaTable, openImages } from './dataset/index.js';
import { type RunFolder, requireRoom } from './fs/index.js';
import {
  type Manifest,
  type Provenance,
  provenanceOf,
  resolveManifest,
  type SplitName,
} from './manifest/index.js';
import {
  type PatchSelection,
  resolveSelection,
  type Selected,
  type SelectionOptions,
  select,
} from './selection/index.js';
import {
  type FolderRecipe,
  type MadeFolder,
  publish,
  requireReplaceable,
  type SplitContent,
  type UpstreamRow,
  type WrittenFile,
  withMadeFolder,
  writeSplit,
} from './upstream/index.js';
import { type Input, type InputFile, openInput, requireApart } from './verified/index.js';

export interface SubsetOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the built-in one */
  manifest?: Manifest | string;
  /** The folder of the subset; made when it is not there. */
  out: string;
  /** @default the splits whose images are in the folder */
  splits?: readonly SplitName[];
  /** @default all patches */
  selection?: SelectionOptions;
  /** Also write the archives, so that the folder can be served as a mirror. @default false */
  archives?: boolean;
  /** Replace a subset with other options or of other data. @default false */
  force?: boolean;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

export interface SubsetFile {
  readonly name: string;
  /** Number of patches that the file is about. */
  readonly patches: number;
  readonly bytes: number;
  readonly md5: string;
}

export interface SubsetResult {
  ok: true;
  out: string;
  /** Without the manifest. */
  files: SubsetFile[];
}

/** What the manifest of a subset adds to the name of the data set. */
const SUFFIX = '-subset';
/** Size of an archive of tissue as a share of the size of its content. */
const PACKED = 0.9;
/** Patches in one read where their indices are consecutive: 1.8 MB. */
const MAX_RUN = 64;

/**
 * Writes a subset of a verified data set: HDF5 and CSV under the upstream names, and a manifest. The files of an earlier
 * subset are replaced, whole ones by whole ones. The same data, selection and seed give the same bytes; memory is flat.
 * @throws PcamError USAGE, also when the folder holds a data set that is no subset; OUTPUT_MISMATCH when it holds another
 *   subset, unless `force` is set; EMPTY_SELECTION; MISSING, NOT_VERIFIED,
 *   BAD_HDF5, BAD_CSV, BAD_DATA of the input; DISK_FULL, NO_PERMISSION, NOT_A_FOLDER, LOCKED, IO; ABORTED
 */
export async function subset(options: SubsetOptions): Promise<SubsetResult> {
  const { dir = DEFAULTS.dir, selection = {}, archives = false, signal, onEvent } = options;
  if (options.out === '') {
    throw new PcamError('USAGE', 'the name of the output folder is empty', { options: ['out'] });
  }
  const folder: MadeFolder = {
    path: resolve(options.out),
    command: 'subset',
    isOwn: isSubset,
    force: options.force,
  };
  const manifest = await resolveManifest(options.manifest, dir);
  await requireApart(folder.path, dir);
  await requireReplaceable(folder);
  const input = await openInput({ ...options, dir, manifest, required: ['labels'] });
  const resolved = await resolveSelection(selection, input.splits);
  const inputs = await input.verify();
  const selected = await select({ input, selection: resolved, signal, onEvent });
  const provenance = await provenanceOf(manifest);
  const recipe = recipeOf(manifest, { provenance, selected, inputs, archives });
  await requireReplaceable(folder, recipe);
  const patches = selected.selections.reduce((sum, { indices }) => sum + indices.length, 0);
  await requireRoom({
    folder: folder.path,
    needed: Math.ceil(patches * PATCH_BYTES * (archives ? 1 + PACKED : 1)),
    estimated: true,
    advise: () => ({
      hint: 'nothing was written; make room, choose another folder, or select fewer patches',
      options: ['out'],
    }),
  });
  const written = await withMadeFolder(folder, { recipe, signal }, async (workspace) => {
    const tasks = selected.selections.map(({ split, indices }) => ({ task: split, total: indices.length }));
    onEvent?.({ type: 'plan', unit: 'patches', tasks });
    const written: WrittenFile[] = [];
    for (const selection of selected.selections) {
      throwIfAborted(workspace.signal);
      written.push(...(await writeSelected(input, selection, { archives, workspace, onEvent })));
    }
    await input.requireUnchanged();
    await publish({ folder, workspace, recipe, head: headOf(manifest), written, obsolete: 'remove' });
    return written;
  });
  const files = written.map(({ name, patches, file: { bytes, md5 } }) => ({ name, patches, bytes, md5 }));
  return { ok: true, out: options.out, files };
}

function isSubset({ dataset, sources }: Manifest): boolean {
  return dataset.endsWith(SUFFIX) && sources.some(({ type }) => type === 'file');
}

async function writeSelected(
  input: Input,
  { split, indices }: PatchSelection,
  { archives, ...writing }: { archives: boolean; workspace: RunFolder; onEvent: OnEvent | undefined },
): Promise<WrittenFile[]> {
  const { dir, manifest } = input;
  const [labels, meta] = [(await input.labels(split))!, await input.meta(split)];
  const images = await openImages(arrayOf({ dir, manifest, split, kind: 'images' }));
  try {
    const content: SplitContent = {
      split,
      count: indices.length,
      images: readSelected(images, indices),
      labels: Uint8Array.from(indices, (index) => labels[index]!),
      rows: meta && rowsOf(meta, indices),
    };
    return await writeSplit({ content, step: 'export', archives: archives ? 'both' : 'none', ...writing });
  } finally {
    images.close();
  }
}

/** Patches with consecutive indices are read together. */
function* readSelected(images: ImageReader, indices: Uint32Array): Generator<Uint8Array, void, void> {
  for (let at = 0; at < indices.length; ) {
    let n = 1;
    while (n < MAX_RUN && at + n < indices.length && indices[at + n] === indices[at]! + n) n++;
    yield images.read(indices[at]!, indices[at]! + n);
    at += n;
  }
}

/** Each row keeps the index that its patch has in the data set. */
function* rowsOf(meta: MetaTable, indices: Uint32Array): Generator<UpstreamRow, void, void> {
  for (const index of indices) yield { index, ...meta.row(index) };
}

function headOf({ dataset, homepage, license, citation }: Manifest): object {
  return {
    dataset: dataset.endsWith(SUFFIX) ? dataset : `${dataset}${SUFFIX}`,
    ...(homepage !== undefined && { homepage }),
    ...(license !== undefined && { license }),
    citation,
  };
}

/** What the subset is made from, and what decides its content. */
function recipeOf(
  { dataset }: Manifest,
  {
    provenance,
    selected: { selections, record },
    inputs,
    archives,
  }: { provenance: Provenance; selected: Selected; inputs: readonly InputFile[]; archives: boolean },
): FolderRecipe {
  const splits = selections.map(({ split }) => split);
  return {
    of: dataset,
    origin: provenance === 'subset of pcam' ? 'pcam' : provenance,
    selection: record ?? null,
    inputs: inputs.filter(({ split }) => splits.includes(split)).map(({ file, md5 }) => ({ file, md5 })),
    ...(archives && { archives }),
  };
}
