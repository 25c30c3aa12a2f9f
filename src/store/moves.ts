/** Renames files whose bytes are those of another file of the manifest back to their own names. */
import { lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsError, systemCode } from '../core/index.js';
import { writeFileAtomic } from '../fs/index.js';
import type { Layout } from './layout.js';

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

/** What `moveAll` is at; lies beside the files while it works, so that a run that is killed can be finished. */
interface Plan {
  readonly moves: readonly Move[];
  /** False: things go aside. True: everything is aside, and goes into place. */
  readonly placing: boolean;
}

/**
 * Does all moves at once, cycles included: first everything goes aside, under the name that it is to get, then into
 * place. A run that is killed half-way is finished by `finishMoves`.
 */
export async function moveAll(paths: Layout, moves: readonly Move[]): Promise<void> {
  if (moves.length === 0) return;
  try {
    await mkdir(dirname(aside(paths, '')), { recursive: true });
    await writePlan(paths, { moves, placing: false });
    for (const { from, to } of moves) await rename(paths.final(from), aside(paths, to));
    await place(paths, moves);
  } catch (error) {
    throw fsError(error, `renaming files in ${paths.dir}`);
  }
}

/**
 * Finishes what an earlier run was at when it was killed. Call it before anything else changes the folder.
 * @param known the names that files of the manifest have: nothing else is renamed, whatever a plan says
 */
export async function finishMoves(paths: Layout, known: readonly string[]): Promise<void> {
  try {
    const plan = await readPlan(paths, known);
    if (!plan) return;
    if (!plan.placing) {
      for (const { from, to } of plan.moves) {
        if (!(await isThere(aside(paths, to)))) await renameIfThere(paths.final(from), aside(paths, to));
      }
    }
    await place(paths, plan.moves);
  } catch (error) {
    throw fsError(error, `renaming files in ${paths.dir}`);
  }
}

async function place(paths: Layout, moves: readonly Move[]): Promise<void> {
  await writePlan(paths, { moves, placing: true });
  for (const { to } of moves) await renameIfThere(aside(paths, to), paths.final(to));
  await rm(paths.moves, { force: true });
}

function aside({ temporary }: Layout, name: string): string {
  return temporary(PREFIX + name);
}

function writePlan(paths: Layout, plan: Plan): Promise<void> {
  return writeFileAtomic(paths.moves, JSON.stringify(plan));
}

async function readPlan(paths: Layout, known: readonly string[]): Promise<Plan | undefined> {
  let text: string;
  try {
    text = await readFile(paths.moves, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    const { moves, placing } = JSON.parse(text) as Plan;
    return moves.every(({ from, to }) => known.includes(from) && known.includes(to))
      ? { moves, placing }
      : undefined;
  } catch {
    return undefined; // not from pcam, which writes it whole or not at all
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
