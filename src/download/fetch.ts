/** Fetches one file: chunks into a partial file or through memory, the pass behind them, the verdict, the final name. */
import { rm } from 'node:fs/promises';
import { factsOf, PcamError, type TaskReporter, throwIfAborted } from '../core/index.js';
import { holds } from '../inventory/index.js';
import { type Content, contentsOf, type DatasetFile, unpackedOf } from '../manifest/index.js';
import { InputChanged, Pass, type PassResult } from '../pass/index.js';
import { CHUNK_BYTES, ChunkMap, IMPORTED, PartialFile, removePartials } from '../store/index.js';
import {
  Blame,
  type BlameEvent,
  type ChunkSink,
  type Decision,
  SourceChanged,
  transferFile,
} from '../transfer/index.js';
import { commit, temporaryFor } from './commit.js';
import type { Session } from './context.js';
import { archiveOf, checkOutput, digestsOf, outputFor, wanted } from './target.js';

/** Bytes of a partial file that may be there and not yet digested and decompressed: a second or two of that work. */
const MAX_READ_AHEAD = 192 * 1024 * 1024;
/** Bytes in memory that were not yet digested and decompressed, where there is no partial file. */
const MAX_STREAM_AHEAD = 64 * 1024 * 1024;

export interface FetchOptions {
  /** Keep no partial file. */
  streamed: boolean;
  task: TaskReporter;
  onChunk: (source: string, bytes: number) => void;
}

export interface Fetched {
  bytes: number;
  /** Bytes of an earlier run, or of another tool, that were used. */
  resumed: number;
}

/**
 * The archive comes first. The decompressed file is fetched where the most preferred source that answers has no
 * archive, or in the end nobody has; both forms have a partial file of their own, so each can be resumed.
 * @throws PcamError NO_SOURCE, DIGEST_MISMATCH, BAD_GZIP, or what the file system said; what was right is kept
 */
export async function fetchFile(
  session: Session,
  file: DatasetFile,
  options: FetchOptions,
): Promise<Fetched> {
  const unpacked = unpackedOf(file);
  const fetched =
    !unpacked || !session.extract || session.keepArchives
      ? await new Fetch(session, file, options).run().catch(async (error) => {
          throw unpacked ? await withUnwantedForm(session, file, error) : error;
        })
      : await fetchAnyForm(session, { file, unpacked, options });
  await removePartials(session.paths.partial, file, session.paths.run);
  // An archive that lies in the folder now was not usable, and is not needed beside the decompressed file.
  if (unpacked && session.extract && !session.keepArchives)
    await session.paths.run.remove(session.paths.final(file.name));
  return { ...fetched, bytes: file.bytes ?? fetched.bytes };
}

interface Forms {
  file: DatasetFile;
  unpacked: DatasetFile;
  options: FetchOptions;
}

async function fetchAnyForm(session: Session, { file, unpacked, options }: Forms): Promise<Fetched> {
  const { pool } = session;
  try {
    const leave = () => pool.lacksFirst(file) && pool.usable(unpacked).length > 0;
    return await new Fetch(session, file, options).run(leave);
  } catch (error) {
    const left = error instanceof LeftForOtherForm;
    if (!left && !(isCode(error, 'NO_SOURCE') && pool.lacking(file).length > 0)) throw error;
    throwIfAborted(session.signal);
    return await new Fetch(session, unpacked, options).run().catch(async (problem) => {
      if (!isCode(problem, 'NO_SOURCE') && !isCode(problem, 'DIGEST_MISMATCH')) throw problem;
      if (!left) throw preferMismatch(problem, error);
      return await new Fetch(session, file, options).run().catch((last) => {
        throw preferMismatch(problem, last);
      });
    });
  }
}

/** Wrong bytes say more than absent ones. */
function preferMismatch(unpacked: unknown, archive: unknown): unknown {
  return isCode(unpacked, 'DIGEST_MISMATCH') && isCode(archive, 'NO_SOURCE') ? unpacked : archive;
}

function isCode(error: unknown, code: PcamError['code']): boolean {
  return error instanceof PcamError && error.code === code;
}

/** Says so where a source has the decompressed file and the archive is what was asked for. */
async function withUnwantedForm(session: Session, file: DatasetFile, error: unknown): Promise<unknown> {
  const unpacked = unpackedOf(file);
  if (!(error instanceof PcamError) || error.code !== 'NO_SOURCE' || !unpacked) return error;
  const having: string[] = [];
  for (const id of session.pool.lacking(file))
    if (await session.pool.offers(unpacked, id, session.signal)) having.push(id);
  throwIfAborted(session.signal);
  if (having.length === 0) return error;
  const { code, message, ...facts } = factsOf(error);
  const said = `${having.join(' and ')} has the decompressed ${unpacked.name}, which does not help where the archive is wanted`;
  return new PcamError(code, `${message}; ${said}`, { ...facts, cause: error });
}

/** All bytes are there, and their digest is wrong. */
class Mismatch extends Error {
  constructor(
    readonly from: readonly string[],
    /** What the file fails of when no source is left. */
    readonly error: PcamError,
  ) {
    super(error.message);
  }
}

/** The transfer was left before it had a byte: the caller knows a better form of the file. */
class LeftForOtherForm extends Error {}

/** Fetches one form of a file: attempts, and what is done about wrong bytes between them. */
class Fetch {
  readonly #session: Session;
  readonly #file: DatasetFile;
  readonly #options: FetchOptions;
  /** The bytes that the sources have. */
  readonly #served: Content;
  /** The file that is to lie in the folder. */
  readonly #target: Content;
  readonly #decompress: boolean;
  readonly #blame = new Blame();
  #mismatch: PcamError | undefined;

  constructor(session: Session, file: DatasetFile, options: FetchOptions) {
    this.#session = session;
    this.#file = file;
    this.#options = options;
    const { final, archive = final } = contentsOf(file);
    this.#served = archive;
    this.#target = wanted(file, session.extract);
    this.#decompress = this.#target.form === 'final' && file.extracted !== undefined;
  }

  /** @param leave asked after each failure of a source, as long as there are no bytes: leave for another form of the file? */
  async run(leave: () => boolean = () => false): Promise<Fetched> {
    let partial = this.#options.streamed ? undefined : await this.#open();
    let resumed = partial?.resumed ?? 0;
    try {
      for (;;) {
        try {
          const bytes = await this.#attempt(partial, leave);
          return { bytes, resumed };
        } catch (error) {
          throwIfAborted(this.#session.signal);
          const { discard } = await this.#decide(error, partial);
          // All bytes of another tool were there before this run began.
          if (typeof discard === 'object' && discard.from === IMPORTED)
            resumed -= partial?.chunks.contributions().get(IMPORTED) ?? 0;
          if (discard !== 'nothing') await partial?.discard(discard);
          if (error instanceof InputChanged && partial) {
            await partial.close();
            partial = await this.#open();
          }
          resumed = Math.min(resumed, partial?.chunks.bytes ?? 0);
        }
      }
    } finally {
      await partial?.close().catch(() => {});
      // A partial file without a byte would only look like a download that was begun.
      if (partial?.chunks.bytes === 0) await partial.remove();
    }
  }

  #open(): Promise<PartialFile> {
    const { paths } = this.#session;
    return PartialFile.open(this.#file, {
      folder: paths.partial,
      run: paths.run,
      onCheck: (done, total) => this.#options.task.progress({ step: 'check', done, total }),
    });
  }

  /** @returns bytes of the file that was served */
  async #attempt(partial: PartialFile | undefined, leave: () => boolean): Promise<number> {
    const chunks = partial?.chunks ?? new ChunkMap(this.#file.bytes);
    const temporary = await temporaryFor(this.#session, this.#target.name);
    try {
      const result = await this.#receive(partial, { chunks, temporary, leave });
      await this.#requireRight(result, chunks, partial);
      if (this.#decompress) checkOutput(this.#file, result, partial?.path);
      await this.#commit(result, partial, temporary);
      return chunks.size ?? 0;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** All chunks, and the pass over them while they arrive. */
  async #receive(
    partial: PartialFile | undefined,
    { chunks, temporary, leave }: { chunks: ChunkMap; temporary: string; leave: () => boolean },
  ): Promise<PassResult> {
    const { pool, limit, clock, signal, keepArchives } = this.#session;
    const { task, onChunk } = this.#options;
    const file = this.#file;
    const resumed = chunks.bytes;
    let arriving = 0;
    const report = () => {
      const total = chunks.size;
      if (chunks.complete) task.progress({ step: 'unpack', done: pass.read, total, resumed });
      else task.progress({ step: 'fetch', done: chunks.bytes + arriving, total, resumed });
    };
    const stop = new AbortController();
    const pass = new Pass({
      input: partial?.path,
      size: chunks.size,
      digests: digestsOf(this.#served),
      output: this.#decompress ? outputFor(file, temporary) : undefined,
      signal,
      onProgress: () => {
        report();
        // Chunks that had no room before may have some now.
        if (!partial) pool.dispatch();
      },
    });
    try {
      report();
      pass.failed.catch((error) => stop.abort(error));
      await transferFile({
        file,
        sink: partial ? toPartial(partial, pass) : toMemory(chunks, pass),
        pool,
        limit,
        clock,
        signal: AbortSignal.any([signal, stop.signal]),
        onChunk: (source, bytes) => {
          onChunk(source, bytes);
          report();
        },
        onArriving: (bytes) => {
          arriving = bytes;
          report();
        },
        onOtherSize: (source) => void this.#blame.decide({ type: 'other-size', source }),
        onFailure: () => {
          if (chunks.bytes === 0 && leave()) stop.abort(new LeftForOtherForm());
        },
      }).catch((error) => {
        throw stop.signal.aborted ? stop.signal.reason : error;
      });
      // Before the pass looks at the file last: on some file systems a flush alone changes its time.
      if (!this.#decompress || keepArchives) await partial?.flush();
      return await pass.end(chunks.size ?? 0);
    } finally {
      await pass.stop();
    }
  }

  /** A wrong digest is never kept. */
  async #requireRight(
    { input }: PassResult,
    chunks: ChunkMap,
    partial: PartialFile | undefined,
  ): Promise<void> {
    const served = this.#served;
    if (holds(input, served)) return;
    // Bytes that changed on the disk since they were written are nobody's fault, and only they are fetched again.
    if (partial && !(await partial.isUnchanged())) throw new InputChanged(`${partial.path} was written to`);
    const name = input.digests.md5 === undefined || input.digests.md5 === served.md5 ? 'sha256' : 'md5';
    const [expected, found] = [served[name], input.digests[name]];
    const from = [...chunks.contributions().keys()];
    const what = `${this.#file.name} from ${from.join(' and ') || 'nowhere'} is wrong`;
    const digests = `${name === 'md5' ? 'MD5' : 'SHA-256'} expected ${expected}, found ${found}`;
    throw new Mismatch(
      from,
      new PcamError('DIGEST_MISMATCH', `${what}: ${digests}`, {
        expected,
        found,
        hint: 'the wrong bytes were discarded; try another source, or check the manifest',
        options: ['mirrors', 'sources'],
      }),
    );
  }

  /** The archive comes first: a kill between the two leaves what the next run makes the other of. */
  async #commit(
    { input, output }: PassResult,
    partial: PartialFile | undefined,
    temporary: string,
  ): Promise<void> {
    const session = this.#session;
    const ofPartial = this.#decompress
      ? session.keepArchives
        ? archiveOf(this.#file)
        : undefined
      : this.#target;
    if (partial && ofPartial) {
      if (!(await partial.isInPlace())) throw new InputChanged(`${partial.path} was moved or cut`);
      await partial.close();
      await commit(session, ofPartial, {
        temporary: partial.path,
        digested: { ...input, stats: input.stats! },
      });
    }
    if (this.#decompress) await commit(session, this.#target, { temporary, digested: output! });
  }

  /** What is done about an attempt that failed, or the error that ends the file. */
  async #decide(error: unknown, partial: PartialFile | undefined): Promise<Decision> {
    if (error instanceof Mismatch) this.#mismatch = error.error;
    const event = this.#eventOf(error, partial);
    if (!event) throw error;
    const decision = this.#blame.decide(event);
    // Said before anything is thrown away: a run that is killed in between, or later, has told why.
    const message = this.#noticeOf(error, decision);
    if (message !== undefined) this.#session.emit({ type: 'notice', file: this.#file.name, message });
    const { discard, fail, verdict } = decision;
    if (fail !== undefined && discard !== 'nothing') await partial?.discard(discard);
    if (fail === 'mismatch') throw this.#mismatch;
    if (fail === 'no-source') throw error;
    if (fail === 'tampered') {
      throw new PcamError('IO', `another program keeps changing ${partial?.path}`, {
        hint: 'make sure that nothing else writes into the folder, then run the same command again',
      });
    }
    this.#session.pool.judge(this.#file, verdict);
    return decision;
  }

  #eventOf(error: unknown, partial: PartialFile | undefined): BlameEvent | undefined {
    const usable = this.#session.pool.usable(this.#file);
    if (error instanceof Mismatch) return { type: 'mismatch', from: error.from, usable };
    if (error instanceof SourceChanged) return { type: 'changed', source: error.source };
    if (error instanceof InputChanged) return { type: 'tampered' };
    if (!isCode(error, 'NO_SOURCE')) return undefined;
    return { type: 'no-source', from: new Set(partial?.chunks.contributions().keys()), usable };
  }

  #noticeOf(error: unknown, { discard, fail }: Decision): string | undefined {
    if (error instanceof Mismatch) {
      const what = discard === 'everything' ? 'it' : 'what was taken over from another tool';
      return `${error.message}; ${fail ? `discarding ${what}` : `fetching ${what} again`}`;
    }
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
}

/** Chunks go into a partial file, and the pass follows. */
function toPartial(partial: PartialFile, pass: Pass): ChunkSink {
  const { chunks } = partial;
  pass.available(chunks.prefix);
  return {
    chunks,
    limit: Number.POSITIVE_INFINITY,
    setSize: (size) => partial.setSize(size),
    setValidator: (source, validator) => partial.setValidator(source, validator),
    write: async (index, bytes, source, signal) => {
      await partial.write(index, bytes, source);
      pass.available(chunks.prefix);
      // On a network faster than the pass, the bytes between would crowd everything else out of memory.
      await pass.reached(chunks.prefix - MAX_READ_AHEAD, signal);
    },
  };
}

/** Chunks wait in memory until it is their turn, and go straight into the pass. */
function toMemory(chunks: ChunkMap, pass: Pass): ChunkSink {
  const waiting = new Map<number, Uint8Array>();
  let next = 0;
  return {
    chunks,
    get limit() {
      return Math.floor((pass.read + MAX_STREAM_AHEAD) / CHUNK_BYTES);
    },
    setSize: (size) => {
      chunks.size = size;
    },
    setValidator: (source, validator) => {
      chunks.validators.set(source, validator);
    },
    write: async (index, bytes, source, signal) => {
      // Only a source that knows no ranges sends what was not asked for.
      await pass.reached((index + 1) * CHUNK_BYTES - MAX_STREAM_AHEAD, signal);
      waiting.set(index, Buffer.from(bytes));
      chunks.add(index, source);
      for (let chunk = waiting.get(next); chunk; chunk = waiting.get(next)) {
        waiting.delete(next++);
        pass.push(chunk);
      }
    },
  };
}
