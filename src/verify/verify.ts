/** `verify`: reads what is there and says of each file whether its bytes are right. */
import { DEFAULTS, type NextStep, type OnEvent, throwIfAborted } from '../core/index.js';
import { requireReachable, statFile } from '../fs/index.js';
import { type Found, holds, Inventory, renameMisplaced } from '../inventory/index.js';
import {
  type Content,
  contentsOf,
  contentsOfAll,
  type DatasetFile,
  finalMd5,
  type Manifest,
  resolveManifest,
  type Selection,
  selectFiles,
} from '../manifest/index.js';
import {
  type Layout,
  layout,
  type OwnedLayout,
  Receipts,
  statPartials,
  withDataFolder,
} from '../store/index.js';
import type { Finding } from './deep-job.js';

export interface VerifyOptions extends Selection {
  /** @default 'pcam' */
  dir?: string;
  /** @default the built-in one */
  manifest?: Manifest | string;
  /** Trust receipts whose size and mtime still hold. @default false */
  quick?: boolean;
  /** Open the HDF5 and CSV files as well: shapes, types, labels, rows, slides. @default false */
  deep?: boolean;
  /** Rename swapped files back. @default false */
  fix?: boolean;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

export type VerifyStatus = 'ok' | 'missing' | 'partial' | 'corrupt' | 'swapped';

export interface VerifiedFile {
  /** The manifest's name. */
  name: string;
  status: VerifyStatus;
  /**
   * MD5 of what should be there (the decompressed file where there is one), and of what is; SHA-256 where a receipt
   * has nothing else.
   */
  expected: string;
  found: string | null;
  /** What is wrong with it. */
  hint?: string;
  /** What repairs it. */
  next?: NextStep;
}

export type { Finding };

export interface VerifyResult {
  ok: boolean;
  files: VerifiedFile[];
  findings: Finding[];
}

/**
 * Reads and digests every chosen file, archives and decompressed files alike, side by side.
 * @throws PcamError when a file cannot be read, LOCKED when `fix` meets a running download, ABORTED
 */
export async function verify(options: VerifyOptions = {}): Promise<VerifyResult> {
  const dir = options.dir ?? DEFAULTS.dir;
  const manifest = await resolveManifest(options.manifest, dir);
  await requireReachable(dir);
  if (!options.fix) return verifyFolder({ options, manifest, paths: layout(dir), signal: options.signal });
  return withDataFolder({ dir, command: 'verify --fix', signal: options.signal }, (paths) =>
    verifyFolder({ options, manifest, paths, owned: paths, signal: paths.run.signal }),
  );
}

interface FolderCheck {
  options: VerifyOptions;
  manifest: Manifest;
  paths: Layout;
  /** The same as `paths`, where this run holds the lock and may rename files. */
  owned?: OwnedLayout;
  signal: AbortSignal | undefined;
}

async function verifyFolder(check: FolderCheck): Promise<VerifyResult> {
  const { options, manifest, paths, owned, signal } = check;
  const { quick = false, deep = false, onEvent } = options;
  const files = selectFiles(manifest, options);
  const contents = contentsOfAll(files);
  const receipts = new Receipts(paths, owned?.run);
  const trust = quick ? 'mtime' : 'nothing';
  const inventory = new Inventory({ dir: paths.dir, manifest, receipts, trust, signal, onEvent });

  if (owned) await renameMisplaced({ paths: owned, manifest, inventory });
  if (onEvent) onEvent({ type: 'plan', unit: 'bytes', tasks: await tasksOf(contents, paths) });
  await inventory.readAll(contents);
  throwIfAborted(signal);
  const findings = owned ? await fix({ paths: owned, manifest, inventory, contents }) : [];
  if (deep) findings.push(...(await checkDeep(check)));
  const verified = await Promise.all(files.map((file) => judge(file, inventory, paths)));

  const isRight = verified.every(({ status }) => status === 'ok');
  return { ok: isRight && !findings.some(({ level }) => level === 'error'), files: verified, findings };
}

async function tasksOf(contents: readonly Content[], paths: Layout) {
  const tasks = await Promise.all(
    contents.map(async ({ name: task }) => {
      const stats = await statFile(paths.final(task)).catch(() => undefined);
      return stats ? [{ task, total: Number(stats.size) }] : [];
    }),
  );
  return tasks.flat();
}

interface Fix {
  paths: OwnedLayout;
  manifest: Manifest;
  inventory: Inventory;
  contents: readonly Content[];
}

/** Renames what is misplaced, unless its own name already holds the right bytes. */
async function fix({ contents, ...request }: Fix): Promise<Finding[]> {
  const renames = await renameMisplaced({ ...request, names: contents.map(({ name }) => name) });
  return renames.map(({ from, to }) => ({
    level: 'info',
    code: 'RENAMED',
    message: `${from} held the bytes of ${to} and was renamed to it`,
  }));
}

async function checkDeep({ options, manifest, paths }: FolderCheck): Promise<Finding[]> {
  const splits = options.splits?.length ? options.splits : undefined;
  const { deepCheck } = await import('./deep.js');
  return deepCheck({ dir: paths.dir, manifest, splits, signal: options.signal });
}

async function judge(file: DatasetFile, inventory: Inventory, paths: Layout): Promise<VerifiedFile> {
  const there: { content: Content; found: Found }[] = [];
  for (const content of Object.values(contentsOf(file))) {
    const found = await inventory.read(content);
    if (found) there.push({ content, found });
  }
  const { name } = file;
  if (there.length === 0) {
    return { name, expected: finalMd5(file), found: null, ...(await judgeAbsent(file, paths)) };
  }
  const wrong = there.find(({ content, found }) => !holds(found, content));
  if (!wrong) return { name, status: 'ok', ...compared(there[0]!.found, there[0]!.content) };
  return { name, ...compared(wrong.found, wrong.content), ...judgeWrong(wrong, inventory) };
}

type Judgement = Pick<VerifiedFile, 'status' | 'hint' | 'next'>;

async function judgeAbsent(file: DatasetFile, paths: Layout): Promise<Judgement> {
  const next = fetchAgain(file);
  const { exists } = await statPartials(paths.partial, file);
  return exists
    ? { status: 'partial', hint: 'its download is not finished', next }
    : { status: 'missing', next };
}

function judgeWrong({ content, found }: { content: Content; found: Found }, inventory: Inventory): Judgement {
  const { name, file, bytes } = content;
  const owner = inventory.ownerOf(found, content);
  if (owner) {
    const hint = `${name} holds the bytes of ${owner.name}`;
    return { status: 'swapped', hint, next: { command: 'verify', fix: true } };
  }
  const next = fetchAgain(file);
  if (bytes !== undefined && found.bytes < bytes)
    return { status: 'partial', hint: `${name} has ${found.bytes} of ${bytes} bytes`, next };
  return { status: 'corrupt', hint: `${name} is damaged`, next };
}

function fetchAgain({ split, kind }: DatasetFile): NextStep {
  return { command: 'download', splits: [split], kinds: [kind] };
}

/** The digests to show: MD5, but SHA-256 where that alone is known, or is what differs. */
function compared({ digests }: Found, content: Content): Pick<VerifiedFile, 'expected' | 'found'> {
  const { md5, sha256 } = digests;
  const sameMd5 = md5 === content.md5;
  // Only a made-up file has the right MD5 and another SHA-256.
  const showSha256 =
    md5 === undefined || (sameMd5 && content.sha256 !== undefined && sha256 !== content.sha256);
  const name = showSha256 && sha256 !== undefined ? 'sha256' : 'md5';
  return { expected: content[name] ?? content.md5, found: digests[name] ?? null };
}
