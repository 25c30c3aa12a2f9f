/**
 * The journal beside a part file: which ranges are there, from which source, each with a CRC-32.
 *
 * Lines of text, appended after the bytes they speak of were written. A line is a claim, no proof: on resume each
 * range is read back and its checksum compared, so it does not matter in which order the disk kept what.
 *
 *     {"pcam":1,"name":"…","md5":"…","bytes":6421353462}      first line: what the part belongs to
 *     r 0 1048576 9ae0daaf gdrive                             range: start, end, CRC-32, source
 *     v gdrive "etag"                                         validator of a source's copy
 *     s 4096                                                  size, learned on the way
 */
import { dirname } from 'node:path';
import { systemCode } from '../core/index.js';
import { Appender, makeFolder, type RunFolder, readSmallFile, UnfitFile } from '../fs/index.js';
import type { DatasetFile } from '../manifest/index.js';

/** A day of a slow link leaves some 10 MB of lines. */
const LARGEST_JOURNAL = 32 * 1024 * 1024;

export interface JournalRange {
  readonly start: number;
  readonly end: number;
  readonly crc: number;
  readonly source: string;
}

export interface JournalContent {
  ranges: JournalRange[];
  validators: Map<string, string>;
  size: number | undefined;
}

export class PartJournal {
  readonly #lines: Appender;

  private constructor(lines: Appender) {
    this.#lines = lines;
  }

  /** What a journal of this very file claims; empty when there is none, or it belongs to another version. */
  static async read(path: string, file: DatasetFile): Promise<JournalContent> {
    const content: JournalContent = { ranges: [], validators: new Map(), size: undefined };
    let text: string;
    try {
      text = await readSmallFile(path, { most: LARGEST_JOURNAL, follow: false });
    } catch (error) {
      // What is no journal of ours claims nothing; the one that is made next takes its place.
      if (error instanceof UnfitFile || ['ENOENT', 'ELOOP', 'ENXIO'].includes(systemCode(error)))
        return content;
      throw error;
    }
    const [first, ...lines] = text.split('\n');
    if (first !== header(file)) return content;
    lines.pop(); // what follows the last line end is empty, or a torn line
    for (const line of lines) readLine(line, content);
    return content;
  }

  /** Starts a journal that claims just `content`, in place of whatever was there. */
  static async create(
    path: string,
    file: DatasetFile,
    content: JournalContent,
    workspace: RunFolder,
  ): Promise<PartJournal> {
    const lines = [header(file)];
    if (content.size !== undefined) lines.push(`s ${content.size}`);
    for (const [source, validator] of content.validators) lines.push(validatorLine(source, validator));
    for (const range of content.ranges) lines.push(rangeLine(range));
    await makeFolder(dirname(path));
    return new PartJournal(await Appender.create(path, `${lines.join('\n')}\n`, workspace));
  }

  addRange(range: JournalRange): Promise<void> {
    return this.#lines.append(`${rangeLine(range)}\n`);
  }

  addValidator(source: string, validator: string): Promise<void> {
    return this.#lines.append(`${validatorLine(source, validator)}\n`);
  }

  addSize(size: number): Promise<void> {
    return this.#lines.append(`s ${size}\n`);
  }

  close(): Promise<void> {
    return this.#lines.close();
  }
}

function header({ name, md5, bytes }: DatasetFile): string {
  return JSON.stringify({ pcam: 1, name, md5, bytes });
}

function rangeLine({ start, end, crc, source }: JournalRange): string {
  return `r ${start} ${end} ${crc.toString(16)} ${source}`;
}

function validatorLine(source: string, validator: string): string {
  return `v ${source} ${JSON.stringify(validator)}`;
}

function readLine(line: string, content: JournalContent): void {
  const range = /^r (\d{1,16}) (\d{1,16}) ([0-9a-f]{1,8}) (\S{1,80})$/.exec(line);
  if (range) {
    const [start, end, crc] = [Number(range[1]), Number(range[2]), Number.parseInt(range[3]!, 16)];
    if (end > start && Number.isSafeInteger(end)) content.ranges.push({ start, end, crc, source: range[4]! });
    return;
  }
  const size = /^s (\d{1,16})$/.exec(line);
  if (size && Number.isSafeInteger(Number(size[1]))) {
    content.size = Number(size[1]);
    return;
  }
  const validator = /^v (\S{1,80}) (".*")$/.exec(line);
  if (!validator) return;
  try {
    content.validators.set(validator[1]!, String(JSON.parse(validator[2]!)));
  } catch {
    // A line that is damaged claims nothing.
  }
}
