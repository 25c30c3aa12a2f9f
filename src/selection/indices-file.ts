/** A file of patch indices: an index, or `split,index`, per line; blank lines and `# comments` are skipped. */
import { createHash } from 'node:crypto';
import { fsError, PcamError, printable, systemCode } from '../core/index.js';
import { readSmallFile, UnfitFile } from '../fs/index.js';
import { parseSplit, type SplitName } from '../manifest/index.js';

/** A line of train has at most 13 bytes: room for all of its patches many times over. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** A patch that the file names, and the line that it is on. */
export interface ListedPatch {
  readonly split: SplitName;
  readonly index: number;
  readonly line: number;
}

export interface IndicesFile {
  readonly path: string;
  /** Of the text without byte order mark and with `\n` line ends, so that editors and systems do not change it. */
  readonly sha256: string;
  /** In the order of the file. */
  readonly patches: readonly ListedPatch[];
}

/**
 * Reads an indices file.
 * @param splits those of the run; a line without a split is of the only one
 * @throws PcamError USAGE naming the line of what is no index, or is there twice
 */
export async function readIndices(path: string, splits: readonly SplitName[]): Promise<IndicesFile> {
  const text = (await readText(path)).replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const patches: ListedPatch[] = [];
  const lines = new Map<string, number>();
  for (const [i, content] of text.split('\n').entries()) {
    const entry = content.replace(/#.*/, '').trim();
    if (entry === '') continue;
    const line = i + 1;
    const { split, index } = parseEntry(entry, { path, line, splits });
    const earlier = lines.get(`${split},${index}`);
    if (earlier !== undefined) {
      throw badLine({ path, line }, 'every patch once', `${entry}, as in line ${earlier}`);
    }
    lines.set(`${split},${index}`, line);
    patches.push({ split, index, line });
  }
  return { path, sha256: createHash('sha256').update(text).digest('hex'), patches };
}

/**
 * The indices that the file lists of a split.
 * @throws PcamError USAGE naming the line of the first index that the split does not have
 */
export function listedIndices({ path, patches }: IndicesFile, split: SplitName, count: number): Set<number> {
  const own = patches.filter((patch) => patch.split === split);
  const wrong = own.find(({ index }) => index >= count);
  if (wrong) {
    const expected = `an index from 0 to ${count - 1}, as ${split} has ${count} patches`;
    throw badLine({ path, line: wrong.line }, expected, String(wrong.index));
  }
  return new Set(own.map(({ index }) => index));
}

async function readText(path: string): Promise<string> {
  try {
    return await readSmallFile(path, { maxBytes: MAX_FILE_BYTES });
  } catch (cause) {
    if (cause instanceof UnfitFile) {
      throw new PcamError('USAGE', `${path} cannot be read as an indices file: ${cause.message}`, { cause });
    }
    if (systemCode(cause) !== 'ENOENT') throw fsError(cause, `reading ${path}`);
    throw new PcamError('USAGE', `there is no indices file ${path}`, { cause });
  }
}

interface Place {
  path: string;
  line: number;
}

function parseEntry(
  entry: string,
  { splits, ...place }: Place & { splits: readonly SplitName[] },
): { split: SplitName; index: number } {
  const match = /^(?:([a-z]+)\s*,\s*)?(\d{1,15})$/i.exec(entry);
  const word = match?.[1]?.toLowerCase();
  const split = word === undefined ? splits[0] : parseSplit(word);
  if (!match || !split) {
    throw badLine(place, 'an index, or split,index', JSON.stringify(printable(entry, 60)));
  }
  if (word === undefined && splits.length > 1) {
    const expected = `split,index, as ${splits.length} splits are chosen (${splits.join(', ')})`;
    throw badLine(place, expected, `${entry} alone`);
  }
  return { split, index: Number(match[2]) };
}

function badLine({ path, line }: Place, expected: string, found: string): PcamError {
  return new PcamError('USAGE', `${path}, line ${line}: expected ${expected}, found ${found}`, {
    expected,
    found,
    hint: 'an index is the number of a patch in its split, from 0; one per line, with no header, such as 17 or valid,17',
  });
}
