/** Brings one file over the network: part, transfer, the one pass behind it, digests, and the final name. */
import { rm } from 'node:fs/promises';
import { PcamError, type TaskReporter, throwIfAborted } from '../core/index.js';
import { holds } from '../inventory/index.js';
import { type Content, contentsOf, type DatasetFile } from '../manifest/index.js';
import { InputChanged, type PassResult, startPass } from '../pass/index.js';
import { IMPORTED, type PartFile } from '../store/index.js';
import { keepingPace, SourceChanged, transferFile } from '../transfer/index.js';
import { commit, temporaryFor } from './commit.js';
import { checkOutput, outputFor } from './output.js';
import type { Run } from './run.js';
import { archiveOf, digestsOf, wanted } from './target.js';

export interface Fetched {
  bytes: number;
  /** Bytes of an earlier run, or of another tool, that were used. */
  resumed: number;
}

/** How often bytes may be found changed or cut under our hands before it is not worth going on. */
const MOST_CHANGES = 3;

/** Bytes that may be there and not yet digested and decompressed: a second or two of that work. */
const MOST_AHEAD = 192 * 1024 * 1024;

/** Wrong bytes were discarded; fetch again. */
class TryAgain extends Error {}

/**
 * @throws PcamError NO_SOURCE, DIGEST_MISMATCH, BAD_GZIP, or what the file system said; what was right is kept
 */
export async function fetchFile(
  run: Run,
  file: DatasetFile,
  task: TaskReporter,
  onReceived: (source: string, bytes: number) => void,
): Promise<Fetched> {
  const fetcher = new Fetcher(run, file, task, onReceived);
  for (;;) {
    try {
      return await fetcher.attempt();
    } catch (error) {
      throwIfAborted(run.signal);
      await fetcher.mend(error);
    }
  }
}

class Fetcher {
  readonly #run: Run;
  readonly #file: DatasetFile;
  /** What the sources have. */
  readonly #served: Content;
  readonly #task: TaskReporter;
  readonly #onReceived: (source: string, bytes: number) => void;
  /** Sources that gave wrong bytes, alone, and how often. */
  readonly #wrong = new Map<string, number>();
  /** Sources whose mixture was wrong, still to be tried alone. */
  #suspects: string[] = [];
  #mismatch: PcamError | undefined;
  /** Sources that were refused because an earlier one told another size; the manifest knows none. */
  readonly #otherSize = new Set<string>();
  #changes = 0;
  /** Bytes of an earlier run that are still used: what this run brought itself does not count. */
  #resumed = Number.POSITIVE_INFINITY;

  constructor(
    run: Run,
    file: DatasetFile,
    task: TaskReporter,
    onReceived: (source: string, bytes: number) => void,
  ) {
    this.#run = run;
    this.#file = file;
    const { final, archive = final } = contentsOf(file);
    this.#served = archive;
    this.#task = task;
    this.#onReceived = onReceived;
  }

  async attempt(): Promise<Fetched> {
    const { parts, signal } = this.#run;
    const file = this.#file;
    const part = await parts.open(file, {
      signal,
      onCheck: (done, total) => this.#task.progress({ step: 'check', done, total }),
    });
    this.#resumed = Math.min(this.#resumed, part.resumed);
    const target = wanted(file, this.#run.extract);
    const decompress = target.form === 'final' && file.extracted !== undefined;
    const temporary = await temporaryFor(this.#run, target.name);
    try {
      const result = await this.#bring(part, decompress ? temporary : undefined);
      await this.#judge(part, result);
      if (decompress) checkOutput(file, result, part.path);
      if (!(await part.intact())) throw new InputChanged(`${part.path} was moved or cut`);
      await part.close();
      await this.#commit(part, result, decompress ? temporary : undefined);
      return { bytes: part.size ?? 0, resumed: this.#resumed };
    } finally {
      await part.close().catch(() => {});
      // A part without a byte would only look like a download that was begun.
      if (part.done.size === 0) await parts.discard(file);
      await rm(temporary, { force: true });
    }
  }

  /** All bytes into the part, and the pass over them while they arrive. */
  async #bring(part: PartFile, temporary: string | undefined): Promise<PassResult> {
    const { pool, limit, clock, signal } = this.#run;
    const file = this.#file;
    let received = part.done.size;
    let processed = 0;
    const progress = () => {
      const total = part.size;
      if (total !== undefined && received >= total)
        this.#task.progress({ step: 'unpack', done: processed, total });
      else this.#task.progress({ step: 'fetch', done: received, total });
    };
    progress();
    const stop = new AbortController();
    const pass = startPass({
      input: part.path,
      digests: digestsOf(this.#served),
      output: temporary === undefined ? undefined : outputFor(file, temporary),
      signal,
      onProgress: (read) => {
        processed = read;
        progress();
      },
    });
    try {
      part.onWritten = () => pass.available(part.done.prefix);
      pass.available(part.done.prefix);
      pass.failed.catch((error) => stop.abort(error));
      await transferFile({
        file,
        part,
        pool,
        limit: keepingPace(limit, clock, () => part.done.prefix - processed, MOST_AHEAD),
        clock,
        signal: AbortSignal.any([signal, stop.signal]),
        onReceived: (source, bytes) => {
          received += bytes;
          this.#onReceived(source, bytes);
          progress();
        },
        onOtherSize: (source) => this.#otherSize.add(source),
      }).catch((error) => {
        throw stop.signal.aborted ? stop.signal.reason : error;
      });
      received = part.size ?? received;
      return await pass.end(part.size ?? 0);
    } finally {
      await pass.stop();
    }
  }

  /** A wrong digest is never kept: the part goes, and so does the source that is to blame. */
  async #judge(part: PartFile, { input }: PassResult): Promise<void> {
    const served = this.#served;
    if (holds(input, served)) return;
    const name = input.digests.md5 === undefined || input.digests.md5 === served.md5 ? 'sha256' : 'md5';
    // Bytes that changed on the disk since they were written are nobody's fault, and only they are fetched again.
    if (!(await part.unchanged(this.#run.signal))) throw new InputChanged(`${part.path} was written to`);
    const [expected, found] = [served[name], input.digests[name]];
    const wrong = name === 'md5' ? 'MD5' : 'SHA-256';
    const sources = [...part.contributions().keys()];
    this.#mismatch = new PcamError(
      'DIGEST_MISMATCH',
      `${this.#file.name} from ${sources.join(' and ') || 'nowhere'} is wrong: ${wrong} expected ${expected}, found ${found}`,
      {
        expected,
        found,
        hint: 'the wrong bytes were discarded; try another source, or check the manifest',
        options: ['mirrors', 'sources'],
      },
    );
    this.#notice(`${this.#mismatch.message}; fetching it again`);
    await part.close();
    await this.#run.parts.discard(this.#file);
    // A source may be out because its size was not that of the wrong copy: it is one to be tried now.
    this.#run.pool.forgive(this.#file, new Set(this.#wrong.keys()));
    this.#blame(sources);
    this.#otherSize.clear();
    throw new TryAgain();
  }

  #blame(sources: readonly string[]): void {
    const { pool } = this.#run;
    const file = this.#file;
    // Bytes that another tool left are the first suspect, and they are gone now.
    if (sources.includes(IMPORTED)) return;
    if (sources.length > 1) {
      this.#suspects = pool.usable(file).filter((id) => sources.includes(id));
    } else {
      for (const source of sources) this.#condemn(source);
    }
    this.#next();
  }

  #condemn(source: string): void {
    const { pool } = this.#run;
    const times = (this.#wrong.get(source) ?? 0) + 1;
    this.#wrong.set(source, times);
    this.#suspects = this.#suspects.filter((id) => id !== source);
    pool.restrict(this.#file, undefined);
    const others = pool.usable(this.#file).filter((id) => id !== source);
    // The only source there is gets a second chance: bytes are flipped on the way as well.
    if (others.length > 0 || times > 1) pool.drop(this.#file, source, this.#mismatch!.message);
  }

  #next(): void {
    this.#run.pool.restrict(this.#file, this.#suspects[0]);
  }

  /** Makes another attempt possible, or throws what ends the file. */
  async mend(error: unknown): Promise<void> {
    const { pool, paths } = this.#run;
    if (error instanceof TryAgain) return;
    if (error instanceof SourceChanged) {
      this.#notice(`the copy at ${error.source} changed while it was fetched; its bytes are fetched again`);
      if (++this.#changes >= MOST_CHANGES) pool.drop(this.#file, error.source, 'its copy keeps changing');
      return this.#run.parts.forget(this.#file, error.source);
    }
    if (error instanceof InputChanged) {
      this.#notice(
        `the partial download was changed by somebody else (${error.message}); going on from what is right`,
      );
      if (++this.#changes < MOST_CHANGES) return;
      throw new PcamError('IO', `${paths.part(this.#file.name)} keeps being changed by somebody else`, {
        hint: 'make sure that nothing else writes into the folder, then run the same command again',
      });
    }
    if (error instanceof PcamError && error.code === 'NO_SOURCE' && (await this.#beginAnew())) return;
    if (error instanceof PcamError && error.code === 'NO_SOURCE' && this.#mismatch) {
      const [failed] = this.#suspects;
      if (failed === undefined) throw this.#mismatch;
      this.#condemn(failed);
      this.#next();
      if (pool.usable(this.#file).length > 0) return;
      throw this.#mismatch;
    }
    throw error;
  }

  /**
   * The sources that told the size cannot deliver, and those that could were refused because of it: then theirs is
   * the size to go by, and the bytes of the others are worth nothing.
   */
  async #beginAnew(): Promise<boolean> {
    const { pool, parts } = this.#run;
    if (this.#otherSize.size === 0 || ++this.#changes >= MOST_CHANGES) return false;
    const out = [...this.#wrong.keys(), ...(await parts.claimedBy(this.#file))];
    pool.forgive(this.#file, new Set(out.filter((source) => !this.#otherSize.has(source))));
    this.#otherSize.clear();
    this.#notice('the sources disagree on the size, and those asked first cannot deliver; beginning anew');
    await parts.discard(this.#file);
    return true;
  }

  #notice(message: string): void {
    this.#run.emit({ type: 'notice', file: this.#file.name, message });
  }

  async #commit(part: PartFile, result: PassResult, temporary: string | undefined): Promise<void> {
    const run = this.#run;
    const file = this.#file;
    const target = wanted(file, run.extract);
    if (temporary === undefined) {
      await commit(run, target, part.path, result.input.digests);
    } else {
      const archive = archiveOf(file)!;
      // First the archive: a kill between the two leaves what the next run makes the other of.
      if (run.keepArchives) await commit(run, archive, part.path, result.input.digests);
      await commit(run, target, temporary, result.output!.digests);
      // An archive that lies in the folder now was not usable; the one that was fetched takes its place, or neither stays.
      if (!run.keepArchives) await rm(run.paths.final(archive.name), { force: true });
    }
    await run.parts.discard(file);
  }
}
