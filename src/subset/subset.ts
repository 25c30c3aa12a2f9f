/** `subset`: writes selected patches as a data set of their own, with the names and layout of the whole one. */
import { createReadStream } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DEFAULTS, fsError, PATCH_BYTES, PcamError, TaskReporter, throwIfAborted } from '../core/index.js';
import { openSplit } from '../dataset/index.js';
import { makeFolder, requireNoLinks, requireRoom, type Workspace, withWorkspace } from '../fs/index.js';
import { type Manifest, resolveManifest, SPLITS, type SplitName } from '../manifest/index.js';
import { checkSelection, type PatchSelection, type Selected, select } from '../selection/index.js';
import {
  manifestEntry,
  servedName,
  type TemporaryFile,
  type UpstreamFile,
  writeTemporary,
} from '../upstream/index.js';
import {
  describeInputs,
  type InputFile,
  inputFiles,
  requireApart,
  verifiedDigests,
  watchInputs,
} from '../verified/index.js';
import { MANIFEST_NAME, requireSubset, subsetName, subsetNames } from './earlier.js';
import { filesOf } from './split-content.js';
import type { SubsetOptions, SubsetResult } from './types.js';

/** pcam's own folder in the one of the subset, while it is written. */
const STATE = '.pcam';
/** Tissue takes so much of its size as an archive. */
const PACKED = 0.9;

/**
 * Writes a subset of a verified data set: HDF5 and CSV under the upstream names, and a manifest. The files of an earlier
 * subset are replaced, whole ones by whole ones. The same data, selection and seed give the same bytes; memory is flat.
 * @throws PcamError USAGE, also when the folder holds a data set that is no subset; EMPTY_SELECTION; MISSING, NOT_VERIFIED,
 *   BAD_HDF5, BAD_CSV, BAD_DATA of the input; DISK_FULL, NO_PERMISSION, NOT_A_FOLDER, LOCKED, IO; ABORTED
 */
export async function subset(options: SubsetOptions): Promise<SubsetResult> {
  const { dir = DEFAULTS.dir, selection = {}, signal, onEvent, inputDigests = verifiedDigests } = options;
  if (options.out === '')
    throw new PcamError('USAGE', 'the name of the output folder is empty', { options: ['out'] });
  const out = resolve(options.out);
  const manifest = await resolveManifest(options.manifest);
  await requireApart(out, dir);
  await requireSubset(out);
  const splits = chooseSplits(manifest, options.splits);
  await checkSelection({ selection, splits });
  const files = await inputFiles({ dir, manifest, splits });
  const unchanged = await watchInputs(dir, files);
  const digests = await inputDigests({ dir, manifest, files, signal, onEvent });
  const selected = await select({ dir, manifest, splits, selection, signal, onEvent });
  await requireRoom({
    folder: out,
    needed: bytesNeeded(selected.selections, options.archives),
    estimated: true,
    advise: () => ({
      hint: 'nothing was written; make room, choose another folder, or select fewer patches',
      options: ['out'],
    }),
  });
  const work: Work = { ...options, dir, out, manifest, selected, inputs: describeInputs(files, digests) };
  const written = await withSubsetFolder(out, signal, async (workspace) => {
    await requireSubset(out);
    const all = await writeFiles(work, workspace);
    await unchanged();
    await publish(work, workspace, all);
    return all;
  });
  const listed = written.map(({ name, patches, file }) => ({
    name,
    patches,
    bytes: file.bytes,
    md5: file.md5,
  }));
  return { ok: true, out: options.out, files: listed };
}

interface Work extends SubsetOptions {
  dir: string;
  manifest: Manifest;
  selected: Selected;
  inputs: readonly InputFile[];
}

/** A file that waits for its name. */
interface UnnamedFile {
  readonly name: string;
  readonly patches: number;
  readonly file: TemporaryFile;
  /** What its manifest entry says; absent where the archive's entry says it. */
  readonly entry?: object;
}

function chooseSplits(manifest: Manifest, wanted: readonly SplitName[] = []): SplitName[] {
  const known = SPLITS.filter((split) =>
    manifest.files.some((file) => file.split === split && file.kind === 'images'),
  );
  const chosen = SPLITS.filter((split) => (wanted.length > 0 ? wanted : known).includes(split));
  const without = chosen.find((split) => !known.includes(split));
  if (without === undefined && chosen.length > 0) return chosen;
  throw new PcamError('USAGE', `the manifest has no images${without ? ` of the split ${without}` : ''}`, {
    hint: 'leave that split out, or use another manifest',
    options: ['splits', 'manifest'],
  });
}

async function withSubsetFolder<T>(
  out: string,
  signal: AbortSignal | undefined,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  try {
    await makeFolder(out);
  } catch (error) {
    throw fsError(error, `making the directory ${out}`);
  }
  const state = join(out, STATE);
  const place = { lock: join(state, 'subset.lock'), temporaries: join(state, 'subset') };
  try {
    return await withWorkspace({ ...place, command: 'subset', signal }, work);
  } finally {
    for (const path of [place.temporaries, state]) await rmdir(path).catch(() => {});
  }
}

async function writeFiles(
  { dir, manifest, selected, archives, onEvent }: Work,
  workspace: Workspace,
): Promise<UnnamedFile[]> {
  const { signal } = workspace;
  const written: UnnamedFile[] = [];
  const tasks = selected.selections.map(({ split, indices }) => ({ task: split, total: indices.length }));
  onEvent?.({ type: 'plan', unit: 'patches', tasks });
  for (const selection of selected.selections) {
    throwIfAborted(signal);
    const { split: name, indices } = selection;
    const split = await openSplit({ dir, manifest, split: name, signal });
    const state = { task: name, step: 'export', unit: 'patches', done: 0, total: indices.length } as const;
    const task = new TaskReporter(state, onEvent);
    let whole = false;
    try {
      for (const upstream of filesOf({ split, selection, task, signal })) {
        written.push(...(await writeFile({ upstream, patches: indices.length, archives, workspace })));
      }
      whole = true;
    } finally {
      split.close();
      task.end({ outcome: whole ? 'done' : 'failed' });
    }
  }
  return written;
}

/** The file itself, and its archive where one is asked for. */
async function writeFile({
  upstream,
  patches,
  archives,
  workspace,
}: {
  upstream: UpstreamFile;
  patches: number;
  archives: boolean | undefined;
  workspace: Workspace;
}): Promise<UnnamedFile[]> {
  const { name } = upstream;
  const { signal } = workspace;
  const file = await writeTemporary({ ...upstream, gzip: false, temporary: workspace.path(name), signal });
  const plain = { name, patches, file };
  if (!archives || !upstream.gzip) {
    return [{ ...plain, entry: manifestEntry({ upstream: { ...upstream, gzip: false }, file }) }];
  }
  const packedName = servedName(upstream);
  const packed = await writeTemporary({
    content: createReadStream(file.temporary, { highWaterMark: 1 << 20 }),
    gzip: true,
    temporary: workspace.path(packedName),
    signal,
  });
  return [
    plain,
    { name: packedName, patches, file: packed, entry: manifestEntry({ upstream, file: packed }) },
  ];
}

/**
 * Gives the files their names. The manifest comes first: it marks the folder as a subset, so that a run which is killed
 * between two names can be repeated.
 */
async function publish(work: Work, workspace: Workspace, written: readonly UnnamedFile[]): Promise<void> {
  const { out } = work;
  const names = written.map(({ name }) => name);
  try {
    await requireNoLinks(out, [MANIFEST_NAME, ...subsetNames()]);
    await workspace.write(
      join(out, MANIFEST_NAME),
      `${JSON.stringify(manifestOf(work, written), null, 2)}\n`,
    );
    // What an earlier subset had and this one has not would pass for a part of it.
    for (const name of subsetNames()) if (!names.includes(name)) await workspace.remove(join(out, name));
    for (const { name, file } of written) {
      await workspace.commit(file.temporary, join(out, name), { digested: file.identity });
    }
  } catch (error) {
    throw fsError(error, `writing to ${out}`);
  }
}

function manifestOf({ manifest, selected, inputs }: Work, written: readonly UnnamedFile[]): object {
  const { dataset, homepage, license, citation } = manifest;
  const splits = selected.selections.map(({ split }) => split);
  return {
    schemaVersion: 1,
    dataset: subsetName(dataset),
    ...(homepage !== undefined && { homepage }),
    ...(license !== undefined && { license }),
    citation,
    sources: { folder: { type: 'file', baseUrl: '.' } },
    files: written.flatMap(({ entry }) => entry ?? []),
    // For people; pcam does not read it.
    subset: {
      of: dataset,
      selection: selected.record ?? null,
      inputs: inputs.filter(({ split }) => splits.includes(split)).map(({ file, md5 }) => ({ file, md5 })),
    },
  };
}

function bytesNeeded(selections: readonly PatchSelection[], archives = false): number {
  const patches = selections.reduce((sum, { indices }) => sum + indices.length, 0);
  return Math.ceil(patches * PATCH_BYTES * (archives ? 1 + PACKED : 1));
}
