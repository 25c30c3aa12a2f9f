/** Gives every patch of a split its score: by the names of the rows, or by their order. */
import { count as counted, formatInteger, PcamError, printable } from '../../core/index.js';
import { SPLITS, type SplitName } from '../../manifest/index.js';
import { BY_SHA1, MAX_EXAMPLES, type ScoreRows, sha1Key, UNKNOWN, UNNAMED } from './rows.js';

/** How far two scores of one patch may differ. */
const SAME_SCORE = 1e-6;

/** The first patch of a split with some pixels, by the SHA-1 of the pixels (`sha1Key`). */
export type PatchesBySha1 = ReadonlyMap<string, number>;

export interface AlignRequest {
  readonly rows: ScoreRows;
  readonly split: SplitName;
  /** Patches of the split. */
  readonly patches: number;
  /** The first of identical patches; `null` where the images are not in the folder. */
  readonly first: Uint32Array | null;
  /** By SHA-1: of the split, and of another one that may explain a row. Asked for only where a row has a SHA-1. */
  bySha1(split: SplitName): Promise<PatchesBySha1 | null>;
}

export interface Aligned {
  /** One score per patch. */
  readonly scores: Float64Array;
  /** Rows of other splits. */
  readonly ignored: number;
}

/**
 * @throws PcamError BAD_DATA naming rows without a patch, scores that are no number, patches with two scores, and
 *   patches without one; MISSING when rows have SHA-1s, and the images are not in the folder
 */
export async function align(request: AlignRequest): Promise<Aligned> {
  const { rows, split, patches } = request;
  const problems = new Problems(rows, split);
  if (rows.naming === 'order' && rows.count !== patches) throw problems.wrongLength(patches);
  const { patchOf, ignored } = await patchesOfRows(request, problems);
  const scores = new Float64Array(patches);
  const scored = new Uint8Array(patches);
  for (let row = 0; row < rows.count; row++) {
    const patch = patchOf[row]!;
    if (patch === NONE) continue;
    const score = rows.scores[row]!;
    if (Number.isNaN(score)) problems.add('notANumber', row);
    else if (!scored[patch]) scores[patch] = score;
    else if (Math.abs(scores[patch]! - score) > SAME_SCORE) problems.add('repeated', row);
    scored[patch] = 1;
  }
  if (rows.sha1) spreadToCopies({ scores, scored, first: request.first! });
  for (let patch = 0; patch < patches; patch++) if (!scored[patch]) problems.add('missing', patch);
  problems.throwIfAny();
  return { scores, ignored };
}

/** In `patchOf`: a row of another split, or of no patch. */
const NONE = 0xffffffff;

async function patchesOfRows(
  { rows, split, patches, bySha1 }: AlignRequest,
  problems: Problems,
): Promise<{ patchOf: Uint32Array; ignored: number }> {
  const patchOf = new Uint32Array(rows.count).fill(NONE);
  const own = rows.sha1 ? await bySha1(split) : null;
  if (rows.sha1 && !own) throw problems.needsImages();
  const place = SPLITS.indexOf(split) + 1;
  const elsewhere: number[] = [];
  let ignored = 0;
  for (let row = 0; row < rows.count; row++) {
    const of = rows.splits[row]!;
    if (rows.naming === 'order') patchOf[row] = row;
    else if (of === BY_SHA1) {
      const patch = own!.get(sha1Key(rows.sha1!, row));
      if (patch === undefined) elsewhere.push(row);
      else patchOf[row] = patch;
    } else if (of === UNKNOWN) problems.add('unknown', row);
    else if (of !== place && of !== UNNAMED) ignored++;
    else if (rows.indices[row]! < patches) patchOf[row] = rows.indices[row]!;
    else problems.add('unknown', row);
  }
  const unknown = await unknownSha1s({ rows, split, bySha1, elsewhere });
  for (const row of unknown) problems.add('unknown', row);
  return { patchOf, ignored: ignored + elsewhere.length - unknown.length };
}

/** The rows whose SHA-1 no split in the folder has: Kaggle's test images are those of valid and test. */
async function unknownSha1s({
  rows,
  split,
  bySha1,
  elsewhere,
}: Pick<AlignRequest, 'rows' | 'split' | 'bySha1'> & { elsewhere: readonly number[] }): Promise<
  readonly number[]
> {
  let unknown = elsewhere;
  for (const other of (['test', 'valid', 'train'] as const).filter((name) => name !== split)) {
    if (unknown.length === 0) break;
    const known = await bySha1(other);
    unknown = unknown.filter((row) => !known?.has(sha1Key(rows.sha1!, row)));
  }
  return unknown;
}

function spreadToCopies({
  scores,
  scored,
  first,
}: {
  scores: Float64Array;
  scored: Uint8Array;
  first: Uint32Array;
}): void {
  for (const [patch, original] of first.entries()) {
    if (scored[patch] || !scored[original]) continue;
    scores[patch] = scores[original]!;
    scored[patch] = 1;
  }
}

type Kind = 'unknown' | 'notANumber' | 'repeated' | 'missing';

/** What keeps a file from being scored: how often, and the first ones. */
class Problems {
  readonly #rows: ScoreRows;
  readonly #split: SplitName;
  readonly #counts: Record<Kind, number> = { unknown: 0, notANumber: 0, repeated: 0, missing: 0 };
  readonly #examples: Record<Kind, number[]> = { unknown: [], notANumber: [], repeated: [], missing: [] };

  constructor(rows: ScoreRows, split: SplitName) {
    this.#rows = rows;
    this.#split = split;
  }

  /** @param place a row, or the patch that has none */
  add(kind: Kind, place: number): void {
    this.#counts[kind]++;
    if (this.#examples[kind].length < MAX_EXAMPLES) this.#examples[kind].push(place);
  }

  throwIfAny(): void {
    const { unknown, notANumber, repeated, missing } = this.#counts;
    const of = this.#split;
    const found = [
      unknown > 0 &&
        `${counted(unknown, 'row')} that ${unknown === 1 ? 'names' : 'name'} no patch of ${of} (${this.#list('unknown')})`,
      notANumber > 0 &&
        `${counted(notANumber, 'score')} that ${notANumber === 1 ? 'is' : 'are'} no finite number (${this.#list('notANumber')})`,
      repeated > 0 &&
        `${counted(repeated, 'row')} that ${repeated === 1 ? 'repeats' : 'repeat'} a patch with another score (${this.#list('repeated')})`,
      missing > 0 && `${counted(missing, 'patch')} of ${of} without a score (${this.#list('missing')})`,
    ].filter((words) => words !== false);
    if (found.length === 0) return;
    throw this.#bad(
      `one number for each patch of ${of}`,
      found.join('; '),
      'every patch has to have one score: correct the file, or name the split that it is of',
    );
  }

  wrongLength(patches: number): PcamError {
    const rows = this.#rows.count;
    return this.#bad(
      `${formatInteger(patches)} scores, one for each patch of ${this.#split} in the order of its file`,
      `${formatInteger(rows)}`,
      'name the split that they are of, or add a column that names the patch of each row, such as index or key',
    );
  }

  needsImages(): PcamError {
    return new PcamError(
      'MISSING',
      `${this.#rows.file} names patches by the SHA-1 of their pixels, and the images of ${this.#split} are not in the folder`,
      { hint: 'fetch them first', next: { command: 'download', splits: [this.#split], kinds: ['images'] } },
    );
  }

  #list(kind: Kind): string {
    const shown = this.#examples[kind].map((place) =>
      kind === 'missing' ? `${this.#split} ${place}` : this.#row(kind, place),
    );
    return [...shown, ...(this.#counts[kind] > shown.length ? ['…'] : [])].join(', ');
  }

  /** Rows are counted from 1, without the header. */
  #row(kind: Kind, row: number): string {
    const { scores, badNames, badScores, splits, indices, sha1 } = this.#rows;
    const text = {
      unknown: () =>
        badNames.get(row) ??
        (splits[row] === BY_SHA1
          ? Buffer.from(sha1Key(sha1!, row), 'latin1').toString('hex')
          : String(indices[row])),
      notANumber: () => badScores.get(row),
      repeated: () => String(scores[row]),
      missing: () => undefined,
    }[kind]();
    return `row ${formatInteger(row + 1)}${text === undefined ? '' : `: ${JSON.stringify(printable(text, 60))}`}`;
  }

  #bad(expected: string, found: string, hint: string): PcamError {
    return new PcamError(
      'BAD_DATA',
      `${this.#rows.file} cannot be scored: expected ${expected}, found ${found}`,
      {
        expected,
        found,
        hint,
        options: ['split'],
      },
    );
  }
}
