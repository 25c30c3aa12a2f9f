/** Tar archives of small files (POSIX.1-1988 USTAR) whose bytes depend on names and contents alone. */
import type { FileSink } from './file-sink.js';

const BLOCK = 512;
/** The day PCam was published. Fixed, and not 0, which some tools warn of as implausibly old. */
const MODIFIED = Date.UTC(2018, 5, 8) / 1000;
/** Where the fields of a header are. */
const NAME_BYTES = 100;
const SIZE = 124;
const CHECKSUM = 148;
const ZEROS = new Uint8Array(2 * BLOCK);

/** Bytes that a member of `bytes` bytes takes. */
export function tarMemberBytes(bytes: number): number {
  return BLOCK + bytes + padding(bytes);
}

export class TarWriter {
  readonly #sink: FileSink;
  readonly #header = emptyHeader();
  /** Sum of the header's bytes, but for name and size; the checksum's own are counted as spaces. */
  readonly #sum = this.#header.reduce((a, b) => a + b, 8 * 0x20);

  constructor(sink: FileSink) {
    this.#sink = sink;
  }

  /**
   * Adds one file.
   * @param name ASCII, at most 100 characters
   * @returns where its data starts in the archive
   */
  add(name: string, data: Uint8Array): number {
    if (name.length > NAME_BYTES)
      throw new RangeError(`a tar member's name has at most 100 characters: ${name}`);
    const header = this.#header;
    let sum = this.#sum;
    for (let i = 0; i < NAME_BYTES; i++) {
      const code = i < name.length ? name.charCodeAt(i) : 0;
      header[i] = code;
      sum += code;
    }
    sum += writeOctal({ header, at: SIZE, digits: 11, value: data.length });
    writeOctal({ header, at: CHECKSUM, digits: 6, value: sum });
    header[CHECKSUM + 7] = 0x20;
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

/** Writes digits from the last to the first. @returns their sum as bytes */
function writeOctal({
  header,
  at,
  digits,
  value,
}: {
  header: Uint8Array;
  at: number;
  digits: number;
  value: number;
}): number {
  let rest = value;
  let sum = 0;
  for (let i = at + digits - 1; i >= at; i--) {
    const code = 0x30 + (rest % 8);
    header[i] = code;
    sum += code;
    rest = Math.floor(rest / 8);
  }
  return sum;
}

function padding(bytes: number): number {
  return (BLOCK - (bytes % BLOCK)) % BLOCK;
}
