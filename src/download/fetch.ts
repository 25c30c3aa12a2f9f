/** Brings one file over the network: part, transfer, the one pass behind it, digests, and the final name. */
import { rm } from 'node:fs/promises';
import { fsError, PcamError, type TaskReporter, throwIfAborted } from '../core/index.js';
import { holds } from '../inventory/index.js';
import { type Content, contentsOf, type DatasetFile } from '../manifest/index.js';
import { InputChanged, type PassResult, startPass } from '../pass/index.js';
import { type OpenPart, type Parts, WindowStore } from '../store/index.js';
import {
  Blame,
  type BlameEvent,
  backlogOf,
  type Decision,
  SourceChanged,
  transferFile,
} from '../transfer/index.js';
import { commit, temporaryFor } from './commit.js';
import { windowOf } from './room.js';
import type { OwnedRun } from './run.js';
import { archiveOf, checkOutput, digestsOf, outputFor, wanted } from './target.js';

export interface Fetched {
  bytes: number;
  /** Bytes of an earlier run, or of another tool, that were used. */
  resumed: number;
}

/** Bytes that may be there and not yet digested and decompressed: a second or two of that work. */
const MOST_AHEAD = 192 * 1024 * 1024;
/** Requests that are to find room in the window of a part side by side. */
const ABREAST = 8;
const SMALLEST_REQUEST = 256 * 1024;

/** All bytes are there, and their digest is wrong. */
class Mismatch extends Error {
  constructor(readonly from: readonly string[]) {
    super('wrong digest');
  }
}

/** The transfer was left before it had a byte: the caller knows a better form of the file. */
export class LeftForOtherForm extends Error {}

export interface FetchOptions {
  task: TaskReporter;
  onReceived: (source: string, bytes: number) => void;
  /** Asked after each failure of a source, as long as there are no bytes: leave for another form of the file? */
  leave?: () => boolean;
}

/**
 * @throws PcamError NO_SOURCE, DIGEST_MISMATCH, BAD_GZIP, or what the file system said; what was right is kept
 */
export async function fetchFile(run: OwnedRun, file: DatasetFile, options: FetchOptions): Promise<Fetched> {
  const fetcher = new Fetcher(run, file, options);
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
  readonly #run: OwnedRun;
  readonly #file: DatasetFile;
  /** What the sources have. */
  readonly #served: Content;
  readonly #task: TaskReporter;
  readonly #options: FetchOptions;
  readonly #parts: Parts;
  readonly #blame = new Blame();
  /** The last one, which is what a file fails of when no source is left. */
  #mismatch: PcamError | undefined;
  /** Bytes of an earlier run that are still used: what this run brought itself does not count. */
  #resumed = Number.POSITIVE_INFINITY;

  constructor(run: OwnedRun, file: DatasetFile, options: FetchOptions) {
    this.#run = run;
    this.#file = file;
    const { final, archive = final } = contentsOf(file);
    this.#served = archive;
    this.#task = options.task;
    this.#options = options;
    this.#parts = run.windowed.has(file) ? new WindowStore(run.paths, windowOf(file)) : run.parts;
  }

  async attempt(): Promise<Fetched> {
    const { signal } = this.#run;
    const parts = this.#parts;
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
      const result = await this.#obtain(part, decompress ? temporary : undefined);
      await this.#judge(part, result);
      if (decompress) checkOutput(file, result, part.window === undefined ? part.path : undefined);
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
  async #obtain(part: OpenPart, temporary: string | undefined): Promise<PassResult> {
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
      size: part.size,
      window: part.window,
      digests: digestsOf(this.#served),
      output: temporary === undefined ? undefined : outputFor(file, temporary),
      signal,
      onProgress: (read) => {
        processed = read;
        part.release(read);
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
        limit,
        backlog: backlogOf(() => part.done.prefix - processed, MOST_AHEAD, clock),
        most: part.window && Math.max(SMALLEST_REQUEST, Math.floor(part.window / ABREAST)),
        clock,
        signal: AbortSignal.any([signal, stop.signal]),
        onReceived: (source, bytes) => {
          received += bytes;
          this.#options.onReceived(source, bytes);
          progress();
        },
        onOtherSize: (source) => void this.#blame.decide({ type: 'other-size', source }),
        onFailure: () => {
          if (part.done.size === 0 && this.#options.leave?.()) stop.abort(new LeftForOtherForm());
        },
      }).catch((error) => {
        throw stop.signal.aborted ? stop.signal.reason : error;
      });
      received = part.size ?? received;
      // Flushed before the pass looks at it last: on some file systems that alone changes the time of the file.
      if (temporary === undefined || this.#run.keepArchives) await part.settle();
      return await pass.end(part.size ?? 0);
    } finally {
      await pass.stop();
    }
  }

  /** A wrong digest is never kept. */
  async #judge(part: OpenPart, { input }: PassResult): Promise<void> {
    const served = this.#served;
    if (holds(input, served)) return;
    const name = input.digests.md5 === undefined || input.digests.md5 === served.md5 ? 'sha256' : 'md5';
    // Bytes that changed on the disk since they were written are nobody's fault, and only they are fetched again.
    if (!(await part.unchanged(this.#run.signal))) throw new InputChanged(`${part.path} was written to`);
    const [expected, found] = [served[name], input.digests[name]];
    const wrong = name === 'md5' ? 'MD5' : 'SHA-256';
    const from = [...part.contributions().keys()];
    this.#mismatch = new PcamError(
      'DIGEST_MISMATCH',
      `${this.#file.name} from ${from.join(' and ') || 'nowhere'} is wrong: ${wrong} expected ${expected}, found ${found}`,
      {
        expected,
        found,
        hint: 'the wrong bytes were discarded; try another source, or check the manifest',
        options: ['mirrors', 'sources'],
      },
    );
    throw new Mismatch(from);
  }

  /** Makes another attempt possible, or throws what ends the file. */
  async mend(error: unknown): Promise<void> {
    const parts = this.#parts;
    const event = await this.#eventOf(error);
    if (!event) throw error;
    const decision = this.#blame.decide(event);
    const { discard, verdict, fail } = decision;
    // Said before anything is thrown away: a run that is killed in between, or later, has told why.
    const notice = this.#noticeOf(error, decision);
    if (notice !== undefined) this.#run.emit({ type: 'notice', file: this.#file.name, message: notice });
    if (discard === 'everything') await parts.discard(this.#file);
    else if (discard !== 'nothing') await parts.forget(this.#file, discard.from);
    if (fail === 'mismatch') throw this.#mismatch;
    if (fail === 'tampered') throw this.#tampered();
    if (fail === 'no-source') throw error;
    this.#run.pool.judge(this.#file, verdict);
  }

  async #eventOf(error: unknown): Promise<BlameEvent | undefined> {
    const { pool } = this.#run;
    if (error instanceof Mismatch) {
      return { type: 'mismatch', from: error.from, usable: pool.usable(this.#file) };
    }
    if (error instanceof SourceChanged) return { type: 'changed', source: error.source };
    if (error instanceof InputChanged) return { type: 'tampered' };
    if (!(error instanceof PcamError) || error.code !== 'NO_SOURCE') return undefined;
    return {
      type: 'no-source',
      from: await this.#parts.claimedBy(this.#file),
      usable: pool.usable(this.#file),
    };
  }

  #noticeOf(error: unknown, { discard, fail }: Decision): string | undefined {
    if (error instanceof Mismatch)
      return `${this.#mismatch!.message}; ${fail ? 'discarding it' : 'fetching it again'}`;
    if (error instanceof SourceChanged)
      return `the copy at ${error.source} changed while it was fetched; its bytes are fetched again`;
    if (fail)
      return discard === 'everything'
        ? 'no source can deliver the whole file alone, and what they gave together was wrong; discarding it'
        : undefined;
    if (error instanceof InputChanged)
      return `another program changed the partial download (${error.message}); resuming from what is right`;
    if (discard === 'everything')
      return 'the sources disagree, and those asked first cannot deliver the whole file; starting again with the others';
    return undefined;
  }

  #tampered(): PcamError {
    return new PcamError('IO', `another program keeps changing ${this.#run.paths.part(this.#file.name)}`, {
      hint: 'make sure that nothing else writes into the folder, then run the same command again',
    });
  }

  async #commit(part: OpenPart, { input, output }: PassResult, temporary: string | undefined): Promise<void> {
    const run = this.#run;
    const file = this.#file;
    const target = wanted(file, run.extract);
    if (temporary === undefined) return this.#commitPart(part, target, input);
    const archive = archiveOf(file)!;
    // First the archive: a kill between the two leaves what the next run makes the other of.
    if (run.keepArchives) await this.#commitPart(part, archive, input);
    await commit(run, target, { temporary, digests: output!.digests, digested: output!.stats });
    // An archive that lies in the folder now was not usable; the one that was fetched takes its place, or neither stays.
    if (!run.keepArchives) await run.paths.workspace.remove(run.paths.final(archive.name));
    await this.#parts.discard(file);
  }

  /** The part itself becomes a file of the data set. It keeps its name until it has the final one. */
  async #commitPart(
    part: OpenPart,
    content: Content,
    { digests, stats }: PassResult['input'],
  ): Promise<void> {
    const { paths } = this.#run;
    try {
      const temporary = await paths.workspace.take(part.path, stats);
      const cleanUp = () => this.#parts.discard(this.#file);
      await commit(this.#run, content, { temporary, digests, digested: stats, cleanUp });
    } catch (error) {
      throw fsError(error, `putting ${paths.final(content.name)} into place`);
    }
  }
}
