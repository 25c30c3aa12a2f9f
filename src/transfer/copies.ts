/** Sees to it that all bytes of a file are of one copy: size and validator are looked at before a byte is kept. */
import type { DatasetFile } from '../manifest/index.js';
import { type RangeReply, SourceFailure } from '../net/index.js';
import type { WritablePart } from './piece-writer.js';

/** The copy of a source is not the one that its earlier bytes came from: they must be forgotten. */
export class SourceChanged extends Error {
  constructor(readonly source: string) {
    super(`the copy at ${source} changed`);
  }
}

export interface SourceCopiesOptions {
  part: WritablePart;
  file: DatasetFile;
  /** A source was refused because its copy has another size than an earlier source gave. */
  onOtherSize: (source: string) => void;
}

export class SourceCopies {
  readonly #options: SourceCopiesOptions;
  /** Sources that have sent the validator of their copy in this transfer. */
  readonly #validated = new Set<string>();

  constructor(options: SourceCopiesOptions) {
    this.#options = options;
  }

  /** The validator that all further bytes of a source must have: that of bytes which are there, or were promised. */
  validatorOf(source: string): string | undefined {
    const { part } = this.#options;
    // What it sent a moment ago counts even before a byte of that reply is written.
    const counts = this.#validated.has(source) || (part.contributions().get(source) ?? 0) > 0;
    return counts ? part.validatorOf(source) : undefined;
  }

  /**
   * @param asked the validator that was sent with the request
   * @throws SourceFailure for another size
   * @throws SourceChanged for another copy than before
   */
  async accept(
    source: string,
    { total, validator, ranged }: RangeReply,
    asked: string | undefined,
  ): Promise<void> {
    const { part, file, onOtherSize } = this.#options;
    // The whole file, with no word of which: what was asked for under If-Range is no longer there.
    if (!ranged && validator === undefined && asked !== undefined) throw new SourceChanged(source);
    if (total !== undefined) {
      if (part.size !== undefined && part.size !== total) {
        const known = file.bytes === undefined ? 'other sources have' : 'the manifest says';
        if (file.bytes === undefined) onOtherSize(source);
        throw new SourceFailure('wrong', `its copy has ${total} bytes, ${known} ${part.size}`);
      }
      await part.setSize(total);
    }
    if (validator === undefined) return;
    const earlier = this.validatorOf(source);
    if (earlier !== undefined && earlier !== validator) throw new SourceChanged(source);
    this.#validated.add(source);
    if (part.validatorOf(source) !== validator) await part.setValidator(source, validator);
  }
}
