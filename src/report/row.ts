/** One row of progress, laid out so that it is never wider than the terminal. */
import {
  formatBytes,
  formatInteger,
  formatSeconds,
  type Step,
  shortName,
  type TaskState,
  type Unit,
} from '../core/index.js';
import type { Overall } from './board.js';

const NAME_WIDTH = 15;
const LONGEST_BAR = 30;
/** Width of each piece behind the bar, so that rows do not jump. */
const PIECE_WIDTHS = { amount: 18, speed: 11, left: 15 } as const;

type RowPiece = keyof typeof PIECE_WIDTHS;

/** What is shown, from roomy to narrow, and the shortest bar that goes with it. */
const LAYOUTS: readonly { pieces: readonly RowPiece[]; bar: number }[] = [
  { pieces: ['amount', 'speed', 'left'], bar: 10 },
  { pieces: ['speed', 'left'], bar: 8 },
  { pieces: ['left'], bar: 8 },
  { pieces: [], bar: 5 },
];

const STEP_WORDS: Partial<Record<Step, string>> = {
  check: 'checking',
  unpack: 'verifying',
  import: 'importing',
};

export interface RowContent {
  readonly name: string;
  /** 0 to 1; undefined while the total is not known. */
  readonly fraction?: number;
  readonly pieces: Readonly<Record<RowPiece, string>>;
}

/**
 * @param columns width of the terminal
 * @param drawBar draws a bar of some characters
 */
export function layOutRow(
  { name, fraction, pieces }: RowContent,
  columns: number,
  drawBar: (fraction: number, size: number) => string,
): string {
  // The last column stays free: some terminals wrap when it is written.
  const width = Math.max(1, columns - 1);
  const head = `${cut(name, NAME_WIDTH).padEnd(NAME_WIDTH)} `;
  const percent = fraction === undefined ? '    ' : `${Math.floor(fraction * 100)}%`.padStart(4);
  for (const layout of LAYOUTS) {
    const tail = layout.pieces.map((piece) => pieces[piece].padStart(PIECE_WIDTHS[piece])).join('');
    const room = width - head.length - percent.length - tail.length - 3;
    if (room < layout.bar) continue;
    const bar = drawBar(fraction ?? 0, Math.min(LONGEST_BAR, room));
    return cut(`${head}[${bar}] ${percent}${tail}`, width).trimEnd();
  }
  return cut(`${head}${percent}`, width).trimEnd();
}

/** @param speed units per second */
export function taskRow({ task, step, unit, done, total }: TaskState, speed: number): RowContent {
  const words = STEP_WORDS[step];
  const fraction = total === undefined ? undefined : total > 0 ? Math.min(1, done / total) : 1;
  const pieces = words
    ? { amount: '', speed: '', left: words }
    : { amount: amountOf(done, total, unit), speed: speedOf(speed, unit), left: leftOf(done, total, speed) };
  return { name: shortName(task), fraction, pieces };
}

export function overallRow({ unit, tasks, ended, done, total, speed }: Overall): RowContent {
  return {
    name: `${ended} of ${tasks} ${unit === 'bytes' ? 'files' : 'splits'}`,
    fraction: total > 0 ? Math.min(1, done / total) : 1,
    pieces: {
      amount: amountOf(done, total, unit),
      speed: speedOf(speed, unit),
      left: leftOf(done, total, speed),
    },
  };
}

/** The same as words, where there is no bar. */
export function rowWords({ name, fraction, pieces }: RowContent): string {
  const percent = fraction === undefined ? '' : `${Math.floor(fraction * 100)}%`;
  return `${name}: ${[percent, pieces.amount, pieces.speed, pieces.left].filter((words) => words !== '').join(', ')}`;
}

function amountOf(done: number, total: number | undefined, unit: Unit): string {
  if (unit === 'patches')
    return `${formatInteger(done)}${total === undefined ? '' : ` of ${formatInteger(total)}`}`;
  if (total === undefined) return formatBytes(done);
  const [whole, part] = [formatBytes(total), formatBytes(done)];
  const sameUnit = whole.split(' ')[1] === part.split(' ')[1];
  return `${sameUnit ? part.split(' ')[0] : part} of ${whole}`;
}

function speedOf(speed: number, unit: Unit): string {
  if (speed <= 0) return '';
  return unit === 'bytes' ? `${formatBytes(speed)}/s` : `${formatInteger(Math.round(speed))}/s`;
}

function leftOf(done: number, total: number | undefined, speed: number): string {
  if (total === undefined || speed <= 0 || done >= total) return '';
  return `${formatSeconds((total - done) / speed)} left`;
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}
