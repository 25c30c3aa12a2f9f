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
const MAX_BAR_WIDTH = 30;
/** Width that each column behind the bar is padded to, so that rows do not jump. A wider text takes from the bar. */
const COLUMN_WIDTHS = { amount: 16, speed: 9, left: 15 } as const;
const GAP = '  ';

type Column = keyof typeof COLUMN_WIDTHS;

/** The columns that are shown, from roomy to narrow, and the shortest bar that goes with them. */
const LAYOUTS: readonly { columns: readonly Column[]; minBar: number }[] = [
  { columns: ['amount', 'speed', 'left'], minBar: 8 },
  { columns: ['speed', 'left'], minBar: 8 },
  { columns: ['left'], minBar: 8 },
  { columns: [], minBar: 5 },
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
  readonly texts: Readonly<Record<Column, string>>;
}

/**
 * @param columns width of the terminal
 * @param drawBar draws a bar of some characters
 */
export function layOutRow(
  { name, fraction, texts }: RowContent,
  columns: number,
  drawBar: (fraction: number, size: number) => string,
): string {
  // The last column stays free: some terminals wrap when it is written.
  const width = Math.max(1, columns - 1);
  const head = `${cut(name, NAME_WIDTH).padEnd(NAME_WIDTH)} `;
  const percent = fraction === undefined ? '    ' : `${Math.floor(fraction * 100)}%`.padStart(4);
  for (const layout of LAYOUTS) {
    const tail = layout.columns.map((column) => GAP + texts[column].padStart(COLUMN_WIDTHS[column])).join('');
    const room = width - head.length - percent.length - tail.length - '[] '.length;
    if (room < layout.minBar) continue;
    const bar = drawBar(fraction ?? 0, Math.min(MAX_BAR_WIDTH, room));
    return cut(`${head}[${bar}] ${percent}${tail}`, width).trimEnd();
  }
  return cut(`${head}${percent}`, width).trimEnd();
}

/** @param speed units per second */
export function taskRow({ task, step, unit, done, total }: TaskState, speed: number): RowContent {
  const words = STEP_WORDS[step];
  const texts = words ? { amount: '', speed: '', left: words } : textsOf({ unit, done, total, speed });
  return { name: shortName(task), fraction: fractionOf(done, total), texts };
}

export function overallRow({ unit, tasks, ended, done, total, speed }: Overall): RowContent {
  return {
    name: `${ended} of ${tasks} ${unit === 'bytes' ? 'files' : 'splits'}`,
    fraction: fractionOf(done, total),
    texts: textsOf({ unit, done, total, speed }),
  };
}

/** The same as words, where there is no bar. */
export function rowWords({ name, fraction, texts }: RowContent): string {
  const percent = fraction === undefined ? '' : `${Math.floor(fraction * 100)}%`;
  return `${name}: ${[percent, texts.amount, texts.speed, texts.left].filter((words) => words !== '').join(', ')}`;
}

interface Amount {
  unit: Unit;
  done: number;
  total?: number;
  speed: number;
}

function textsOf({ unit, done, total, speed }: Amount): RowContent['texts'] {
  return {
    amount: amountOf(done, total, unit),
    speed: speedOf(speed, unit),
    left: total === undefined || speed <= 0 || done >= total ? '' : leftOf((total - done) / speed),
  };
}

function fractionOf(done: number, total: number | undefined): number | undefined {
  if (total === undefined) return undefined;
  return total > 0 ? Math.min(1, done / total) : 1;
}

function amountOf(done: number, total: number | undefined, unit: Unit): string {
  if (unit !== 'bytes')
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

/** `50 s left`, `3 min 05 s left`, `12 min left`, `1 h 02 min left`, `12 h left`, `4 d left`: the longer, the rounder. */
function leftOf(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  const hours = Math.round(minutes / 60);
  if (minutes < 10) return `${formatSeconds(seconds)} left`;
  if (minutes < 60) return `${minutes} min left`;
  if (hours < 10) return `${formatSeconds(minutes * 60)} left`;
  return hours < 100 ? `${hours} h left` : `${formatInteger(Math.round(hours / 24))} d left`;
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}
