/** `verify`: reads what is there and says of each file whether its bytes are right. */
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { DEFAULTS, type NextStep, type OnEvent, throwIfAborted } from '../core/index.js';
import { acquireLock, statFile } from '../fs/index.js';
import { allContents, type Content, contentsOf, type Found, holds, readFound } from '../inventory/index.js';
import {
  type DatasetFile,
  finalMd5,
  type Manifest,
  resolveManifest,
  type Selection,
  selectFiles,
} from '../manifest/index.js';
import {
  completeMoves,
  finishMoves,
  type Layout,
  layout,
  type Move,
  moveAll,
  prepareState,
  Receipts,
} from '../store/index.js';
import { deepCheck } from './deep.js';
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
  /** MD5 of what should be there (the decompressed file where there is one), and of what is. */
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
  const paths = layout(options.dir ?? DEFAULTS.dir);
  const own = new AbortController();
  const signal = AbortSignal.any([own.signal, ...(options.signal ? [options.signal] : [])]);
  const verifier = new Verifier({
    manifest,
    paths,
    receipts: await Receipts.load(paths.receipts),
    signal,
    stop: () => own.abort(),
    options,
  });
  if (!options.fix) return verifier.run();
  await prepareState(paths);
  const lock = await acquireLock(paths.lock, { command: 'verify --fix' });
  try {
    await finishMoves(
      paths,
      allContents(manifest).map(({ name }) => name),
    );
    return await verifier.run();
  } finally {
    await lock.release();
  }
}

interface Context {
  manifest: Manifest;
  paths: Layout;
  receipts: Receipts;
  signal: AbortSignal;
  /** Ends what is under way. */
  stop: () => void;
  options: VerifyOptions;
}

class Verifier {
  readonly #context: Context;
  readonly #contents: Content[];
  /** What was read, by name; undefined where nothing is there. */
  readonly #found = new Map<string, Found | undefined>();

  constructor(context: Context) {
    this.#context = context;
    this.#contents = allContents(context.manifest);
  }

  async run(): Promise<VerifyResult> {
    const { manifest, options } = this.#context;
    const files = selectFiles(manifest, options);
    const contents = files.flatMap(contentsOf);
    await this.#plan(contents);
    const limit = pLimit(availableParallelism());
    const reads = contents.map((content) => limit(() => this.#read(content)));
    try {
      await Promise.all(reads);
    } catch (error) {
      // Gigabytes may still be read for the others: nothing goes on behind the caller's back.
      this.#context.stop();
      await Promise.allSettled(reads);
      throw error;
    }
    throwIfAborted(this.#context.signal);
    const findings: Finding[] = options.fix ? await this.#fix() : [];
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

  #deep(): Promise<Finding[]> {
    const { manifest, paths, signal, options } = this.#context;
    const splits = options.splits?.length ? options.splits : undefined;
    return deepCheck({ dir: paths.dir, manifest, splits, signal });
  }

  async #read(content: Content): Promise<Found | undefined> {
    if (this.#found.has(content.name)) return this.#found.get(content.name);
    const { paths, receipts, signal, options } = this.#context;
    throwIfAborted(signal);
    const found = await readFound(paths.dir, content, {
      receipts,
      trust: options.quick ? 'mtime' : 'nothing',
      signal,
      onEvent: options.onEvent,
    });
    this.#found.set(content.name, found);
    return found;
  }

  /** Whose bytes are these, if they are not those of `content`? */
  #owner(found: Found, content: Content): Content | undefined {
    if (holds(found, content)) return undefined;
    return this.#contents.find((other) => holds(found, other));
  }

  async #judge(file: DatasetFile): Promise<VerifiedFile> {
    const there = contentsOf(file)
      .map((content) => ({ content, found: this.#found.get(content.name) }))
      .filter((item): item is { content: Content; found: Found } => item.found !== undefined);
    const line = { name: file.name, expected: finalMd5(file), found: null };
    if (there.length === 0) return { ...line, ...(await this.#absent(file)) };
    const wrong = there.find(({ content, found }) => !holds(found, content));
    if (!wrong)
      return { ...line, status: 'ok', expected: there[0]!.content.md5, found: there[0]!.found.digests.md5! };
    return this.#wrong(file, wrong.content, wrong.found);
  }

  async #absent(file: DatasetFile): Promise<Pick<VerifiedFile, 'status' | 'hint' | 'next'>> {
    const part = await statFile(this.#context.paths.part(file.name)).catch(() => undefined);
    const next = fetchAgain(file);
    if (part) return { status: 'partial', hint: 'its download is not finished', next };
    return { status: 'missing', next };
  }

  #wrong(file: DatasetFile, content: Content, found: Found): VerifiedFile {
    const owner = this.#owner(found, content);
    const bad = { name: file.name, expected: content.md5, found: found.digests.md5! };
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
    if (bad.found === content.md5) {
      // Only a made-up file has the right MD5 and another SHA-256.
      Object.assign(bad, { expected: content.sha256, found: found.digests.sha256 });
    }
    return { ...bad, status: 'corrupt', hint: `${content.name} is damaged`, next };
  }

  /** Renames what is misnamed, unless its own name already holds the right bytes. */
  async #fix(): Promise<Finding[]> {
    const wanted: Move[] = [];
    for (const [name] of this.#found) {
      const to = await this.#ownerOf(name);
      if (to !== undefined && !wanted.some((move) => move.to === to)) wanted.push({ from: name, to });
    }
    const moves = await completeMoves(wanted, (name) => this.#ownerOf(name));
    await moveAll(this.#context.paths, moves);
    await this.#moved(moves);
    return moves.map(({ from, to }) => ({
      level: 'info',
      code: 'RENAMED',
      message: `${from} held the bytes of ${to} and was renamed to it`,
    }));
  }

  async #ownerOf(name: string): Promise<string | undefined> {
    const content = this.#contents.find((candidate) => candidate.name === name)!;
    const found = await this.#read(content);
    const owner = found && this.#owner(found, content);
    if (!owner) return undefined;
    const there = await this.#read(owner);
    return there && holds(there, owner) ? undefined : owner.name;
  }

  /** What was read moves along with the files. */
  async #moved(moves: readonly Move[]): Promise<void> {
    const { paths, receipts } = this.#context;
    const before = new Map(this.#found);
    for (const { from } of moves) this.#found.set(from, undefined);
    for (const { from, to } of moves) {
      const found = before.get(from);
      this.#found.set(to, found && { ...found, path: paths.final(to) });
    }
    for (const { to } of moves) {
      const stats = await statFile(paths.final(to));
      const digests = this.#found.get(to)?.digests;
      if (stats && digests) await receipts.record(to, stats, digests);
    }
  }
}

function fetchAgain({ split, kind }: DatasetFile): NextStep {
  return { command: 'download', splits: [split], kinds: [kind] };
}
