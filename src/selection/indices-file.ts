/** A file of patch indices: an index, or `split,index`, per line; blank lines and `# comments` are skipped. */
import { createHash } from 'node:crypto';
import { fsError, PcamError, printable, systemCode } from '../core/index.js';
import { readSmallFile, UnfitFile } from '../fs/index.js';
import { SPLITS, type SplitName } from '../manifest/index.js';

/** A line of train has at most 13 bytes: room for all of its patches many times over. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const SPLIT_WORDS = new Map<string, SplitName>([
  ...SPLITS.map((split) => [split, split] as const),
  ['val', 'valid'],
  ['validation', 'valid'],
]);

/** The numbers of one split, and the line that each one is on. */
export interface IndexList {
  readonly indices: readonly number[];
  readonly lines: readonly number[];
}

type GrowingList = { indices: number[]; lines: number[]; seen: Map<number, number> };

export interface IndicesFile {
  readonly path: string;
  /** Of the whole file, so that an export can say what it was made from. */
  readonly sha256: string;
  readonly bySplit: ReadonlyMap<SplitName, IndexList>;
}

/**
 * Reads an indices file.
 * @param options.splits the splits that are chosen; a line without a split is of the only one
 * @throws PcamError USAGE naming the line of what is no index, or is there twice
 */
export async function readIndices({
  path,
  splits,
}: {
  path: string;
  splits: readonly SplitName[];
}): Promise<IndicesFile> {
  const text = await readText(path);
  const lists = new Map<SplitName, GrowingList>();
  for (const [i, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const entry = line.replace(/#.*/, '').trim();
    if (entry === '') continue;
    const { split, index } = parseLine({ path, line: i + 1, entry, splits });
    const list: GrowingList = lists.get(split) ?? { indices: [], lines: [], seen: new Map() };
    lists.set(split, list);
    const earlier = list.seen.get(index);
    if (earlier !== undefined) {
      throw badLine({
        path,
        line: i + 1,
        expected: 'every patch once',
        found: `${entry}, as in line ${earlier}`,
      });
    }
    list.seen.set(index, i + 1);
    list.indices.push(index);
    list.lines.push(i + 1);
  }
  return { path, sha256: createHash('sha256').update(text).digest('hex'), bySplit: lists };
}

/** @throws PcamError USAGE naming the line of the first index that the split does not have */
export function requireInRange(
  { path }: IndicesFile,
  split: SplitName,
  { indices, lines }: IndexList,
  count: number,
) {
  const wrong = indices.findIndex((index) => index >= count);
  if (wrong < 0) return;
  const expected = `an index from 0 to ${count - 1}, as ${split} has ${count} patches`;
  throw badLine({ path, line: lines[wrong]!, expected, found: String(indices[wrong]) });
}

async function readText(path: string): Promise<string> {
  try {
    return await readSmallFile(path, { most: MAX_FILE_BYTES });
  } catch (error) {
    if (error instanceof UnfitFile) {
      throw new PcamError('USAGE', `${path} cannot be read as an indices file: ${error.message}`, {
        cause: error,
      });
    }
    if (systemCode(error) !== 'ENOENT') throw fsError(error, `reading ${path}`);
    throw new PcamError('USAGE', `there is no indices file ${path}`, { cause: error });
  }
}

interface Line {
  path: string;
  line: number;
  entry: string;
  splits: readonly SplitName[];
}

function parseLine({ path, line, entry, splits }: Line): { split: SplitName; index: number } {
  const fields = entry.split(',').map((field) => field.trim());
  const word = fields.length === 2 ? fields[0]!.toLowerCase() : undefined;
  const split = word === undefined ? splits[0]! : SPLIT_WORDS.get(word);
  const number = fields.at(-1)!;
  if (fields.length > 2 || split === undefined || !/^\d{1,15}$/.test(number)) {
    throw badLine({
      path,
      line,
      expected: 'an index, or split,index',
      found: JSON.stringify(printable(entry, 60)),
    });
  }
  if (word === undefined && splits.length > 1) {
    const expected = `split,index, as ${splits.length} splits are chosen (${splits.join(', ')})`;
    throw badLine({ path, line, expected, found: `${entry} alone` });
  }
  return { split, index: Number(number) };
}

function badLine({
  path,
  line,
  expected,
  found,
}: {
  path: string;
  line: number;
  expected: string;
  found: string;
}): PcamError {
  return new PcamError('USAGE', `${path}, line ${line}: expected ${expected}, found ${found}`, {
    expected,
    found,
    hint: 'an index is the number of a patch in its split, from 0; one per line, with no header, such as 17 or valid,17',
  });
}
