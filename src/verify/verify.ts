/** `verify`: reads what is there and says of each file whether its bytes are right. */
import { DEFAULTS, type NextStep, type OnEvent, throwIfAborted } from '../core/index.js';
import { requireReachable, sameFile, statFile } from '../fs/index.js';
import { type Found, holds, Inventory, rightness } from '../inventory/index.js';
import {
  allContents,
  type Content,
  contentsOf,
  contentsOfAll,
  type DatasetFile,
  finalMd5,
  type Manifest,
  resolveManifest,
  type Selection,
  selectFiles,
  unpackedOf,
} from '../manifest/index.js';
import {
  completeMoves,
  finishMoves,
  type Layout,
  layout,
  type Move,
  moveAll,
  type OwnedLayout,
  Receipts,
  withDataFolder,
} from '../store/index.js';
import type { Finding } from './finding.js';

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
  const manifest = await resolveManifest(options.manifest);
  const dir = options.dir ?? DEFAULTS.dir;
  await requireReachable(dir);
  const { signal } = options;
  if (!options.fix) {
    const paths = layout(dir);
    const receipts = await Receipts.load(paths.receipts);
    return new Verifier({ manifest, paths, receipts, options, signal }).run();
  }
  return withDataFolder({ dir, command: 'verify --fix', signal }, async (paths) => {
    const receipts = await Receipts.load(paths.receipts, paths.workspace);
    const own = { paths, owned: paths, signal: paths.workspace.signal };
    return new Verifier({ manifest, receipts, options, ...own }).run();
  });
}

interface FolderCheck {
  manifest: Manifest;
  paths: Layout;
  receipts: Receipts;
  options: VerifyOptions;
  signal: AbortSignal | undefined;
  /** The same as `paths`, where this run holds the lock and may rename files. */
  owned?: OwnedLayout;
}

class Verifier {
  readonly #context: FolderCheck;
  readonly #inventory: Inventory;

  constructor(context: FolderCheck) {
    this.#context = context;
    const { manifest, paths, receipts, options, signal } = context;
    const { quick = false, onEvent } = options;
    const trust = quick ? 'mtime' : 'nothing';
    this.#inventory = new Inventory({ dir: paths.dir, manifest, receipts, trust, signal, onEvent });
  }

  async run(): Promise<VerifyResult> {
    const { manifest, options, signal, owned } = this.#context;
    if (owned) {
      const known = allContents(manifest).map(({ name }) => name);
      await finishMoves(owned, { known, isRight: this.#rightness() });
    }
    const files = selectFiles(manifest, options);
    const contents = contentsOfAll(files);
    await this.#plan(contents);
    await this.#inventory.readAll(contents);
    throwIfAborted(signal);
    const findings: Finding[] = owned ? await this.#fix(owned) : [];
    if (options.deep) findings.push(...(await this.#deep()));
    const verified = await Promise.all(files.map((file) => this.#judge(file)));
    const ok =
      verified.every((file) => file.status === 'ok') && !findings.some(({ level }) => level === 'error');
    return { ok, files: verified, findings };
  }

  async #plan(contents: readonly Content[]): Promise<void> {
    const { paths, options } = this.#context;
    if (!options.onEvent) return;
    const sizes = await Promise.all(
      contents.map(async ({ name: task }) => {
        const stats = await statFile(paths.final(task)).catch(() => undefined);
        return stats ? [{ task, total: Number(stats.size) }] : [];
      }),
    );
    options.onEvent({ type: 'plan', unit: 'bytes', tasks: sizes.flat() });
  }

  async #deep(): Promise<Finding[]> {
    const { manifest, paths, options } = this.#context;
    const splits = options.splits?.length ? options.splits : undefined;
    const { deepCheck } = await import('./deep.js');
    return deepCheck({ dir: paths.dir, manifest, splits, signal: options.signal });
  }

  async #judge(file: DatasetFile): Promise<VerifiedFile> {
    const there: { content: Content; found: Found }[] = [];
    for (const content of Object.values(contentsOf(file))) {
      const found = await this.#inventory.read(content);
      if (found) there.push({ content, found });
    }
    const line = { name: file.name, expected: finalMd5(file), found: null };
    if (there.length === 0) return { ...line, ...(await this.#absent(file)) };
    const wrong = there.find(({ content, found }) => !holds(found, content));
    if (!wrong) return { name: file.name, status: 'ok', ...compared(there[0]!.found, there[0]!.content) };
    return this.#wrong(file, wrong.content, wrong.found);
  }

  async #absent(file: DatasetFile): Promise<Pick<VerifiedFile, 'status' | 'hint' | 'next'>> {
    const next = fetchAgain(file);
    for (const form of [file, unpackedOf(file) ?? file]) {
      const part = await statFile(this.#context.paths.part(form.name)).catch(() => undefined);
      if (part) return { status: 'partial', hint: 'its download is not finished', next };
    }
    return { status: 'missing', next };
  }

  #wrong(file: DatasetFile, content: Content, found: Found): VerifiedFile {
    const owner = this.#inventory.ownerOf(found, content);
    const bad = { name: file.name, ...compared(found, content) };
    if (owner) {
      return {
        ...bad,
        status: 'swapped',
        hint: `${content.name} holds the bytes of ${owner.name}`,
        next: { command: 'verify', fix: true },
      };
    }
    const next = fetchAgain(file);
    if (content.bytes !== undefined && found.bytes < content.bytes) {
      const sizes = `${content.name} has ${found.bytes} of ${content.bytes} bytes`;
      return { ...bad, status: 'partial', hint: sizes, next };
    }
    return { ...bad, status: 'corrupt', hint: `${content.name} is damaged`, next };
  }

  /** Renames what is misnamed, unless its own name already holds the right bytes. */
  async #fix(paths: OwnedLayout): Promise<Finding[]> {
    const inventory = this.#inventory;
    const wanted: Move[] = [];
    for (const name of await inventory.names()) {
      const to = await inventory.rightNameOf(name);
      if (to !== undefined && !wanted.some((move) => move.to === to)) wanted.push({ from: name, to });
    }
    const moves = await completeMoves(wanted, (name) => inventory.rightNameOf(name));
    await moveAll(paths, moves, this.#rightness());
    inventory.moved(moves);
    await this.#recordMoves(moves);
    return moves.map(({ from, to }) => ({
      level: 'info',
      code: 'RENAMED',
      message: `${from} held the bytes of ${to} and was renamed to it`,
    }));
  }

  #rightness(): (name: string) => Promise<boolean> {
    const { paths, manifest, receipts, signal } = this.#context;
    return rightness({ dir: paths.dir, manifest, receipts, signal });
  }

  async #recordMoves(moves: readonly Move[]): Promise<void> {
    const { manifest, paths, receipts } = this.#context;
    for (const { to } of moves) {
      const found = await this.#inventory.read(allContents(manifest).find(({ name }) => name === to)!);
      const stats = await statFile(paths.final(to));
      if (stats && found && sameFile(stats, found.stats)) await receipts.record(to, stats, found.digests);
    }
  }
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
