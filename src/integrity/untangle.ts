/** Renames files whose bytes are those of another file of the manifest back to their own names. */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fsError, systemCode } from '../errors.js';
import type { Layout } from '../paths.js';
import { statFile } from './inventory.js';

export interface Move {
  /** Names in the data set folder. */
  readonly from: string;
  readonly to: string;
}

const PREFIX = 'swap-';

/**
 * Completes renames so that none of them buries right bytes: what lies under the target of a move, and belongs
 * under a third name, moves there first, and so on round the circle.
 * @param ownerOf the name under which the bytes at a name belong, where that is another one and still free for them
 */
export async function completeMoves(
  wanted: readonly Move[],
  ownerOf: (name: string) => Promise<string | undefined>,
): Promise<Move[]> {
  const moves = [...wanted];
  for (const { to } of moves) {
    if (moves.some((move) => move.from === to)) continue;
    const owner = await ownerOf(to);
    if (owner !== undefined && !moves.some((move) => move.to === owner)) moves.push({ from: to, to: owner });
  }
  return moves;
}

/**
 * Does all moves at once, cycles included: first everything goes aside, under the name that it is to get, then into
 * place. What a crash leaves aside is put into place by `finishMoves`.
 */
export async function moveAll(paths: Layout, moves: readonly Move[]): Promise<void> {
  const aside = (name: string) => paths.temporary(PREFIX + name);
  try {
    for (const { from, to } of moves) {
      await mkdir(dirname(aside(to)), { recursive: true });
      await rename(paths.final(from), aside(to));
    }
    for (const { to } of moves) await rename(aside(to), paths.final(to));
  } catch (error) {
    throw fsError(error, `renaming files in ${paths.dir}`);
  }
}

/**
 * Puts into place what an earlier run had moved aside when it was killed.
 * @param known the names that files of the manifest have: nothing else gets into the data set folder
 */
export async function finishMoves(paths: Layout, known: readonly string[]): Promise<void> {
  const folder = paths.temporaries;
  const names = await readdir(folder).catch(() => [] as string[]);
  for (const name of names) {
    if (!name.startsWith(PREFIX) || !known.includes(name.slice(PREFIX.length))) continue;
    const to = paths.final(name.slice(PREFIX.length));
    try {
      if (!(await statFile(to))) await rename(join(folder, name), to);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw fsError(error, `renaming files in ${paths.dir}`);
    }
  }
}
