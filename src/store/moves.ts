/** Renames files whose bytes are those of another file of the manifest back to their own names. */
import { lstat } from 'node:fs/promises';
import { fsError, systemCode } from '../core/index.js';
import { readSmallFile, UnfitFile } from '../fs/index.js';
import type { OwnedLayout } from './layout.js';

export interface Move {
  /** Names in the data set folder. */
  readonly from: string;
  readonly to: string;
}

const PREFIX = 'swap-';
const OWN = { most: 1024 * 1024, follow: false };

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

/** A file as it was when the renames were planned, which no rename changes. Decimal numbers. */
interface Planned {
  readonly ino: string;
  readonly size: string;
  readonly mtimeNs: string;
}

interface PlannedMove extends Move {
  readonly file: Planned;
  /** What lies under the target and may be replaced; null when nothing does. */
  readonly replaces: Planned | null;
}

/** Lies beside the files while they are renamed, so that a run that is killed can be finished. */
interface Plan {
  readonly version: 2;
  readonly steps: readonly PlannedMove[];
}

/**
 * Does all moves at once, cycles included: first everything goes aside, under the name that it is to get, then into
 * place. A run that is killed half-way is finished by `finishMoves`.
 */
export async function moveAll(paths: OwnedLayout, moves: readonly Move[], isRight: IsRight): Promise<void> {
  if (moves.length === 0) return;
  const steps: PlannedMove[] = [];
  try {
    for (const move of moves) {
      const file = await look(paths.final(move.from));
      if (file) steps.push({ ...move, file, replaces: (await look(paths.final(move.to))) ?? null });
    }
    await paths.workspace.write(paths.moves, JSON.stringify({ version: 2, steps } satisfies Plan));
    await carryOut(paths, steps, isRight);
  } catch (error) {
    await takeBack(paths, steps).catch(() => {});
    throw fsError(error, `renaming files in ${paths.dir}`);
  }
}

/** Whether the file under a name holds the bytes that belong there; reads it. */
export type IsRight = (name: string) => Promise<boolean>;

export interface FinishOptions {
  /** The names that files of the manifest have: nothing else is renamed, whatever a plan says. */
  known: readonly string[];
  isRight: IsRight;
}

/**
 * Finishes what an earlier run was at when it was killed. Call it before anything else changes the folder. A step is
 * carried out only while the files that it names are still those that were planned, and never over a right one.
 */
export async function finishMoves(paths: OwnedLayout, { known, isRight }: FinishOptions): Promise<void> {
  try {
    const steps = await readPlan(paths, known);
    if (steps && (await isBegun(paths, steps))) await carryOut(paths, steps, isRight);
    // A plan that moved nothing is no promise: the run that made it has told that it failed.
    await paths.workspace.remove(paths.moves);
  } catch (error) {
    throw fsError(error, `renaming files in ${paths.dir}`);
  }
}

async function carryOut(paths: OwnedLayout, steps: readonly PlannedMove[], isRight: IsRight): Promise<void> {
  const { workspace } = paths;
  for (const { from, to, file } of steps) {
    if (await isThere(aside(paths, to))) continue;
    if (isPlanned(await look(paths.final(from)), file))
      await workspace.withdraw(paths.final(from), PREFIX + to);
  }
  for (const step of steps) {
    if (!isPlanned(await look(aside(paths, step.to)), step.file)) continue;
    if (await mayReplace(paths, step, isRight))
      await workspace.place(aside(paths, step.to), paths.final(step.to));
    else await workspace.remove(aside(paths, step.to)); // the same bytes are at their place already
  }
  await workspace.remove(paths.moves);
}

/** Nothing is there, or what was planned to go, or something that has turned out to be wrong. */
async function mayReplace(
  paths: OwnedLayout,
  { to, replaces }: PlannedMove,
  isRight: IsRight,
): Promise<boolean> {
  const there = await look(paths.final(to));
  if (!there || (replaces && isPlanned(there, replaces))) return true;
  return !(await isRight(to));
}

/** After a failure: what is aside goes back while its name is free. What is left is for the next run to finish. */
async function takeBack(paths: OwnedLayout, steps: readonly PlannedMove[]): Promise<void> {
  const { workspace } = paths;
  for (const { from, to } of steps) {
    if (!(await isThere(aside(paths, to))) || (await isThere(paths.final(from)))) continue;
    await workspace.place(aside(paths, to), paths.final(from));
  }
  // The folder may be repaired by hand before the next run: a plan that moved nothing must not be carried out then.
  if (!(await isBegun(paths, steps))) await workspace.remove(paths.moves);
}

async function isBegun(paths: OwnedLayout, steps: readonly PlannedMove[]): Promise<boolean> {
  for (const { to } of steps) if (await isThere(aside(paths, to))) return true;
  return false;
}

function aside({ workspace }: OwnedLayout, name: string): string {
  return workspace.path(PREFIX + name);
}

async function readPlan(
  paths: OwnedLayout,
  known: readonly string[],
): Promise<readonly PlannedMove[] | undefined> {
  let text: string;
  try {
    text = await readSmallFile(paths.moves, OWN);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    // A pipe or a link is no plan of pcam; it is removed as an outdated one is.
    if (error instanceof UnfitFile && error.found !== 'a directory') return undefined;
    if (['ELOOP', 'ENXIO'].includes(systemCode(error))) return undefined;
    throw error;
  }
  try {
    const { version, steps } = JSON.parse(text) as Plan;
    if (version !== 2) return undefined;
    const sound = steps.every(
      ({ from, to, file }) => typeof file.ino === 'string' && known.includes(from) && known.includes(to),
    );
    return sound ? steps : undefined;
  } catch {
    return undefined; // not from pcam, which writes it whole or not at all
  }
}

async function look(path: string): Promise<Planned | undefined> {
  try {
    const { ino, size, mtimeNs } = await lstat(path, { bigint: true });
    return { ino: String(ino), size: String(size), mtimeNs: String(mtimeNs) };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isPlanned(there: Planned | undefined, planned: Planned): boolean {
  const keys = ['ino', 'size', 'mtimeNs'] as const;
  return there !== undefined && keys.every((key) => there[key] === planned[key]);
}

async function isThere(path: string): Promise<boolean> {
  return (await look(path)) !== undefined;
}
