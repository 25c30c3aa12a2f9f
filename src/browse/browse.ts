/** `browse`: serves a page with the patches of a data set folder. */
import { resolve } from 'node:path';
import {
  assetText,
  DEFAULTS,
  LIMITS,
  messageOf,
  type OnEvent,
  PATCH_SIZE,
  PcamError,
  requireWithin,
} from '../core/index.js';
import { measureSplit, QUESTIONABLE_SLIDES } from '../explore/stats/index.js';
import { encodePng } from '../export/encode/index.js';
import { type Manifest, resolveManifest, type SplitName } from '../manifest/index.js';
import { scoresPerPatch } from '../score/per-patch.js';
import { resolveSelection, type SelectionOptions, select } from '../selection/index.js';
import { type Input, openInput } from '../verified/index.js';
import { type Reply, startServer } from './server.js';
import { SlideTiles, TILE_SIZE } from './slides.js';
import {
  addScan,
  type BrowseSplit,
  type Column,
  digestAt,
  numberContents,
  openBrowseSplit,
} from './splits.js';

export interface BrowseOptions {
  /** The data set folder. @default 'pcam' */
  dir?: string;
  /** A manifest, or the path of one. @default the folder's own, or the built-in one */
  manifest?: Manifest | string;
  /** @default the splits whose images are in the folder */
  splits?: readonly SplitName[];
  /** Patches that are shown. @default all */
  selection?: SelectionOptions;
  /** A file of predictions to lay over the patches, as `score` takes it. */
  scores?: string;
  /** @default a free one */
  port?: number;
  /** How the tool is called in the commands that the page shows. @default 'pcam' */
  calledAs?: string;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

export interface Browsing {
  /** The page, with the token that opens it. */
  readonly url: string;
  close(): Promise<void>;
}

interface ScanState {
  state: 'running' | 'done' | 'failed';
  done: number;
  total: number;
  message?: string;
}

const NONE = new Uint32Array();

const PAGE_FILES: Record<string, { file: string; type: string }> = {
  '': { file: 'index.html', type: 'text/html; charset=utf-8' },
  'page.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
  'page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
};

/**
 * Opens the splits and listens on the loopback interface. The scan of all patches, or its cache, fills in what needs it
 * while the page is open.
 * @throws PcamError USAGE; MISSING, BAD_HDF5, BAD_CSV, BAD_DATA; EMPTY_SELECTION; IO when the port is taken
 */
export async function browse(options: BrowseOptions = {}): Promise<Browsing> {
  const { dir = DEFAULTS.dir, port = 0, selection = {}, scores, signal, onEvent } = options;
  requireWithin('port', port, LIMITS.port);
  const manifest = await resolveManifest(options.manifest, dir);
  const input = await openInput({ dir, manifest, splits: options.splits, signal, onEvent });
  const resolved = await resolveSelection(selection, input.splits);
  const { selections } = await select({ input, selection: resolved, signal, onEvent });
  const splits: BrowseSplit[] = [];
  const stop = new AbortController();
  let scanning: Promise<void> = Promise.resolve();
  const close = async () => {
    stop.abort();
    await scanning;
    for (const split of splits) split.close();
  };
  try {
    for (const name of input.splits) {
      const chosen = selections.find(({ split }) => split === name);
      // A split of which nothing is chosen shows nothing; one that is whole needs no list.
      splits.push(await openBrowseSplit(input, name, chosen?.whole ? undefined : (chosen?.indices ?? NONE)));
    }
    if (scores !== undefined) await addScores(splits, scores, input);
    const scan: ScanState = {
      state: 'running',
      done: 0,
      total: splits.reduce((sum, { count }) => sum + count, 0),
    };
    const session = { input, splits, scan, calledAs: options.calledAs ?? 'pcam' };
    const router = createRouter(session);
    const server = await startServer({ port, router });
    scanning = scanAll(session, stop.signal);
    return {
      url: server.url,
      close: async () => {
        await server.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws PcamError as `score` does; USAGE when the scores are of a split that is not shown */
async function addScores(
  splits: readonly BrowseSplit[],
  file: string,
  { dir, manifest }: Input,
): Promise<void> {
  const [only] = splits.length === 1 ? splits : [];
  const { split, values } = await scoresPerPatch({ file, dir, manifest, split: only?.name });
  const shown = splits.find(({ name }) => name === split);
  if (!shown) {
    throw new PcamError('USAGE', `${file} has scores of ${split}, which is not shown`, {
      hint: `show ${split}`,
      options: ['splits'],
    });
  }
  shown.columns.set('score', Float32Array.from(values));
}

interface Session {
  input: Input;
  splits: readonly BrowseSplit[];
  scan: ScanState;
  calledAs: string;
}

/** Reads every patch once, or the cache of an earlier reading; one worker, so that the page stays quick. */
async function scanAll({ input, splits, scan }: Session, signal: AbortSignal): Promise<void> {
  let before = 0;
  try {
    for (const split of splits) {
      const onEvent: OnEvent = (event) => {
        if (event.type === 'progress' && event.step === 'scan') scan.done = before + event.done;
      };
      addScan(split, await measureSplit(input, split.name, { workers: 1, signal, onEvent }));
      before += split.count;
      scan.done = before;
    }
    numberContents(splits);
    scan.state = 'done';
  } catch (error) {
    scan.state = 'failed';
    scan.message = messageOf(error);
  }
}

function createRouter(session: Session) {
  const { splits } = session;
  const tiles = new SlideTiles();
  const splitOf = (name: string | undefined) => splits.find((split) => split.name === name);
  return async (path: readonly string[], query: URLSearchParams): Promise<Reply | undefined> => {
    const [kind = '', name, ...rest] = path;
    const page = path.length === 1 && Object.hasOwn(PAGE_FILES, kind) ? PAGE_FILES[kind] : undefined;
    if (page) return { type: page.type, body: assetText(`dist/browse/page/${page.file}`) };
    if (kind === 'state' && path.length === 1) return json(stateOf(session));
    const split = splitOf(name);
    if (!split) return undefined;
    if (kind === 'patch' && rest.length === 1) return patchPng(split, rest[0]!);
    if (kind === 'sha1' && rest.length === 1) return sha1Of(split, rest[0]!);
    if (kind === 'column' && rest.length === 1) return column(split, rest[0]!);
    if (kind === 'slide' && rest.length === 1) return slideOf(tiles, split, rest[0]!);
    if (kind === 'tile' && rest.length === 3) return tile(tiles, { split, rest, query });
    return undefined;
  };
}

function stateOf({ input, splits, scan, calledAs }: Session) {
  return {
    dir: resolve(input.dir),
    dataset: input.manifest.dataset,
    calledAs,
    scan,
    tileSize: TILE_SIZE,
    splits: splits.map(({ name, count, meta, chosen, columns }) => ({
      name,
      count,
      slides: meta?.slides ?? null,
      questionable: (meta?.slides ?? []).flatMap((slide, i) => (QUESTIONABLE_SLIDES.has(slide) ? [i] : [])),
      chosen: chosen?.length ?? null,
      columns: [...columns.keys()],
    })),
  };
}

function patchPng(split: BrowseSplit, file: string): Reply | undefined {
  const index = wholeNumber(/^(\d{1,9})\.png$/.exec(file)?.[1], split.count);
  if (index === undefined) return undefined;
  return { type: 'image/png', body: Buffer.from(encodePng(split.read(index), PATCH_SIZE)), constant: true };
}

function sha1Of({ sha1, count }: BrowseSplit, text: string): Reply | undefined {
  const index = wholeNumber(text, count);
  if (index === undefined) return undefined;
  return json({ sha1: sha1 ? digestAt(sha1, index).toString('hex') : null });
}

/** A column as its bytes: the page knows the type of each. */
function column({ columns, chosen }: BrowseSplit, name: string): Reply | undefined {
  const values: Column | undefined = name === 'chosen' ? chosen : columns.get(name);
  if (!values) return undefined;
  return {
    type: 'application/octet-stream',
    body: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

function slideOf(tiles: SlideTiles, split: BrowseSplit, text: string): Reply | undefined {
  const slide = wholeNumber(text, split.meta?.slides.length ?? 0);
  const map = slide === undefined ? undefined : tiles.map(split, slide);
  if (!map) return undefined;
  const { patches, ...facts } = map;
  return json({ ...facts, patches: [...patches] });
}

async function tile(
  tiles: SlideTiles,
  { split, rest, query }: { split: BrowseSplit; rest: readonly string[]; query: URLSearchParams },
): Promise<Reply | undefined> {
  const slide = wholeNumber(rest[0], split.meta?.slides.length ?? 0);
  const level = wholeNumber(rest[1], 32);
  const place = /^(\d{1,7})_(\d{1,7})\.png$/.exec(rest[2]!);
  if (slide === undefined || level === undefined || !place) return undefined;
  const ground = Number.parseInt(/^[0-9a-f]{6}$/.exec(query.get('ground') ?? '')?.[0] ?? 'ffffff', 16);
  const body = await tiles.tile(split, slide, {
    level,
    column: Number(place[1]),
    row: Number(place[2]),
    ground,
  });
  return body && { type: 'image/png', body, constant: true };
}

function json(document: unknown): Reply {
  return { type: 'application/json; charset=utf-8', body: JSON.stringify(document) };
}

function wholeNumber(text: string | undefined, end: number): number | undefined {
  if (text === undefined || !/^\d{1,9}$/.test(text)) return undefined;
  const number = Number(text);
  return number < end ? number : undefined;
}
