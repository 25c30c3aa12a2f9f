/** Which chunks of a file are there, which source each came from, and what is known of the sources' copies. */

/** A download is kept, checked and resumed in chunks of this size: what a crash costs each connection. */
export const CHUNK_BYTES = 256 * 1024;

/** The source id of bytes that another tool left on the disk. */
export const IMPORTED = 'import';

export class ChunkMap {
  /** Size of the whole file: from the manifest, or learned from a source. */
  size: number | undefined;
  /** The validator that each source's copy had when its chunks were taken. */
  readonly validators = new Map<string, string>();
  readonly #sources: (string | undefined)[] = [];
  #count = 0;
  /** The first chunk that is missing. */
  #missing = 0;

  constructor(size: number | undefined) {
    this.size = size;
  }

  /** Number of chunks of the whole file; Infinity while its size is not known. */
  get total(): number {
    return this.size === undefined ? Number.POSITIVE_INFINITY : Math.ceil(this.size / CHUNK_BYTES);
  }

  get complete(): boolean {
    return this.#missing >= this.total;
  }

  get firstMissing(): number {
    return this.#missing;
  }

  /** Bytes that are there. */
  get bytes(): number {
    const last = this.total - 1;
    const short = this.has(last) ? CHUNK_BYTES - this.lengthOf(last) : 0;
    return this.#count * CHUNK_BYTES - short;
  }

  /** Bytes that are there from the first one on without a hole. */
  get prefix(): number {
    return Math.min(this.#missing * CHUNK_BYTES, this.size ?? Number.POSITIVE_INFINITY);
  }

  has(index: number): boolean {
    return this.#sources[index] !== undefined;
  }

  sourceOf(index: number): string | undefined {
    return this.#sources[index];
  }

  /** Bytes of a chunk; all chunks are full but for the last one. */
  lengthOf(index: number): number {
    return Math.min(CHUNK_BYTES, (this.size ?? Number.POSITIVE_INFINITY) - index * CHUNK_BYTES);
  }

  add(index: number, source: string): void {
    if (!this.has(index)) this.#count++;
    this.#sources[index] = source;
    while (this.has(this.#missing)) this.#missing++;
  }

  remove(index: number): void {
    if (!this.has(index)) return;
    this.#count--;
    this.#sources[index] = undefined;
    this.#missing = Math.min(this.#missing, index);
  }

  /** Bytes that each source gave. */
  contributions(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const [index, source] of this.#sources.entries())
      if (source !== undefined) sums.set(source, (sums.get(source) ?? 0) + this.lengthOf(index));
    return sums;
  }

  /** The chunks that are there, in order. */
  *[Symbol.iterator](): Iterator<number> {
    for (const [index, source] of this.#sources.entries()) if (source !== undefined) yield index;
  }
}
