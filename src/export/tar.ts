/** Tar archives of small files (POSIX.1-1988 USTAR) whose bytes depend on names and contents alone. */
import type { FileSink } from './types.js';

const BLOCK = 512;
/** The day PCam was published. Fixed, and not 0, which some tools warn of as implausibly old. */
const MODIFIED = Date.UTC(2018, 5, 8) / 1000;
const ZEROS = new Uint8Array(2 * BLOCK);

/** Bytes that a member of `bytes` bytes takes. */
export function tarMemberBytes(bytes: number): number {
  return BLOCK + bytes + padding(bytes);
}

export class TarWriter {
  readonly #sink: FileSink;
  readonly #header = emptyHeader();

  constructor(sink: FileSink) {
    this.#sink = sink;
  }

  /**
   * Adds one file.
   * @param name ASCII, at most 100 characters
   * @returns where its data starts in the archive
   */
  add(name: string, data: Uint8Array): number {
    if (name.length > 100) throw new RangeError(`a tar member's name has at most 100 characters: ${name}`);
    const header = this.#header;
    header.fill(0, 0, 100);
    header.write(name, 0, 'latin1');
    writeOctal({ header, at: 124, digits: 11, value: data.length });
    writeChecksum(header);
    this.#sink.write(header);
    const start = this.#sink.position;
    this.#sink.write(data);
    this.#sink.write(ZEROS.subarray(0, padding(data.length)));
    return start;
  }

  /** Ends the archive: two blocks of zeros. */
  finish(): void {
    this.#sink.write(ZEROS);
  }
}

/** A header with all that is the same for every member: a plain file of user and group 0, mode 644. */
function emptyHeader(): Buffer {
  const header = Buffer.alloc(BLOCK);
  writeOctal({ header, at: 100, digits: 7, value: 0o644 });
  writeOctal({ header, at: 108, digits: 7, value: 0 });
  writeOctal({ header, at: 116, digits: 7, value: 0 });
  writeOctal({ header, at: 136, digits: 11, value: MODIFIED });
  header.write('0', 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  return header;
}

/** The sum of the header's bytes, its own field counted as spaces: six octal digits, NUL, space. */
function writeChecksum(header: Buffer): void {
  header.fill(0x20, 148, 156);
  let sum = 0;
  // What follows the magic is empty.
  for (let i = 0; i < 265; i++) sum += header[i]!;
  writeOctal({ header, at: 148, digits: 6, value: sum });
  header[154] = 0;
}

function writeOctal({
  header,
  at,
  digits,
  value,
}: {
  header: Buffer;
  at: number;
  digits: number;
  value: number;
}): void {
  header.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
}

function padding(bytes: number): number {
  return (BLOCK - (bytes % BLOCK)) % BLOCK;
}
