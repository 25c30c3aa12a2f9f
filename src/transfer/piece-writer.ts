/** Puts the bytes of one reply into the part: block by block, each byte once, whichever source is first. */
import type { Clock } from '../core/index.js';
import { BLOCK, type OpenPart } from '../store/index.js';
import type { Piece } from './piece.js';
import type { Pieces } from './pieces.js';

/** What was received is written and journalled at least this often (ms), so that little is lost on slow links. */
const FLUSH_EVERY = 1000;

/** What a transfer needs of the part that it fills. */
export type WritablePart = Pick<
  OpenPart,
  | 'done'
  | 'size'
  | 'complete'
  | 'hasRoom'
  | 'setSize'
  | 'write'
  | 'validatorOf'
  | 'setValidator'
  | 'contributions'
>;

export interface PieceWriterOptions {
  part: WritablePart;
  pieces: Pieces;
  piece: Piece;
  clock: Clock;
  /** Bytes that no other request had delivered, just before they are written. */
  onReceived: (source: string, bytes: number) => void;
}

export class PieceWriter {
  readonly #options: PieceWriterOptions;
  readonly #block: Buffer;
  #flushed: number;

  constructor(options: PieceWriterOptions) {
    this.#options = options;
    const { start, end } = options.piece;
    this.#block = Buffer.allocUnsafe(Math.max(1, Math.min(BLOCK, end - start)));
    this.#flushed = options.clock.now();
  }

  /**
   * Takes the bytes that follow `piece.reached`, up to the end of the piece; `bytes` may be used again once this
   * resolves. Nothing to wait for unless a block is full, or old.
   */
  add(bytes: Uint8Array): Promise<void> | undefined {
    const { piece, clock } = this.#options;
    const taken = this.#fill(bytes);
    if (taken < bytes.length && piece.reached < piece.end) return this.#addSlowly(bytes.subarray(taken));
    const due = this.#full || clock.now() - this.#flushed >= FLUSH_EVERY;
    return due ? this.flush() : undefined;
  }

  /** Writes what is held. A piece that was cut short meanwhile keeps what had come beyond its end. */
  async flush(): Promise<void> {
    const { part, pieces, piece, clock, onReceived } = this.#options;
    this.#flushed = clock.now();
    const { written, reached } = piece;
    if (reached === written) return;
    for (const { start, end } of pieces.claim({ start: written, end: reached })) {
      onReceived(piece.source, end - start);
      await part.write(start, this.#block.subarray(start - written, end - written), piece.source);
    }
    piece.written = reached;
  }

  get #full(): boolean {
    const { written, reached } = this.#options.piece;
    return reached - written === this.#block.length;
  }

  async #addSlowly(bytes: Uint8Array): Promise<void> {
    const { piece } = this.#options;
    let rest = bytes;
    while (rest.length > 0 && piece.reached < piece.end) {
      if (this.#full) await this.flush();
      rest = rest.subarray(this.#fill(rest));
    }
    if (this.#full) await this.flush();
  }

  /** Copies what fits; returns how many bytes it took. */
  #fill(bytes: Uint8Array): number {
    const { piece } = this.#options;
    const at = piece.reached - piece.written;
    const taken = Math.max(0, Math.min(bytes.length, this.#block.length - at, piece.end - piece.reached));
    this.#block.set(taken === bytes.length ? bytes : bytes.subarray(0, taken), at);
    piece.reached += taken;
    return taken;
  }
}
