/** Progress bars on a terminal. The only importer of cli-progress. */
import cliProgress from 'cli-progress';
import { type OnEvent, wrapText } from '../core/index.js';
import { TaskBoard } from './board.js';
import { layOutRow, overallRow, type RowContent, taskRow } from './row.js';
import { Sentences } from './sentences.js';
import type { Paint } from './table.js';

const FRAME_MS = 125;
/** A window that is being resized is left alone for this long: its size is not known before the last event. */
const RESIZE_MS = 200;
/** Rows of the terminal that are left to text. */
const TEXT_ROWS = 4;

function drawBar(fraction: number, barsize: number): string {
  const [barCompleteString, barIncompleteString] = ['='.repeat(barsize), ' '.repeat(barsize)];
  return cliProgress.Format.BarFormat(fraction, {
    ...{ barsize, barCompleteString, barIncompleteString, barGlue: '' },
  });
}

const seconds = () => performance.now() / 1000;

/**
 * One row per task in progress and one for all of them, redrawn together in each frame. cli-progress has them as one bar
 * of several lines, because removing a bar of several leaves its row behind (https://github.com/npkgz/cli-progress/issues/149).
 */
export class Bars {
  readonly #stream: NodeJS.WriteStream;
  readonly #paint: Paint;
  readonly #bars: cliProgress.MultiBar;
  readonly #board = new TaskBoard(seconds);
  readonly #sentences = new Sentences(seconds);
  readonly #timer: NodeJS.Timeout;
  #started = false;
  #stopped = false;
  /** Lines of text for the next frame. */
  #lines: string[] = [];
  /** The rows on the screen. */
  #rows: string[] = [];
  #resizedAt = Number.NEGATIVE_INFINITY;
  /** Whole rows that a window of too few rows has pushed out of the screen, and its height then. */
  #hidden = { rows: 0, height: 0 };

  constructor(stream: NodeJS.WriteStream, paint: Paint) {
    this.#stream = stream;
    this.#paint = paint;
    this.#bars = new cliProgress.MultiBar(
      {
        stream,
        format: () => this.#rows.join('\n'),
        // The frames are ours: `update` draws one.
        fps: 0.001,
        hideCursor: true,
        clearOnComplete: true,
        forceRedraw: true,
        linewrap: false,
        gracefulExit: false,
      },
      cliProgress.Presets.legacy,
    );
    this.#timer = setInterval(() => this.#frame(), FRAME_MS);
    stream.on('resize', this.#onResize);
  }

  onEvent: OnEvent = (event) => {
    if (this.#stopped) return;
    this.#board.apply(event);
    const sentence = this.#sentences.of(event);
    if (!sentence) return;
    const lines = wrapText(sentence.text, this.#columns);
    this.#lines.push(...lines.map((line) => this.#paint(sentence.style, line)));
  };

  /** Prints a line above the bars: one that is written past them would leave pieces of them behind. */
  say(line: string): void {
    this.#lines.push(...wrapText(line, this.#columns));
    this.#draw();
  }

  /** Removes the bars; safe to call twice. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#stream.off('resize', this.#onResize);
    // Lines that wait would be lost (https://github.com/npkgz/cli-progress/issues/145).
    this.#draw();
    if (this.#started) this.#bars.stop();
  }

  get #columns(): number {
    return this.#stream.columns || 80;
  }

  get #height(): number {
    return this.#stream.rows || 24;
  }

  #frame(): void {
    if (performance.now() - this.#resizedAt > RESIZE_MS) this.#draw();
  }

  #draw(): void {
    const rows = this.#contents().map((content) => layOutRow(content, this.#columns, drawBar));
    if (!this.#started && rows.length === 0) {
      for (const line of this.#lines.splice(0)) this.#stream.write(`${line}\n`);
      return;
    }
    if (this.#lines.length === 0 && rows.join('\n') === this.#rows.join('\n')) return;
    // One write for a whole frame does not flicker.
    this.#stream.cork();
    if (!this.#started) this.#bars.create(1, 0);
    this.#started = true;
    this.#erase();
    for (const line of this.#lines.splice(0)) this.#bars.log(`${line}\n`);
    this.#rows = rows;
    this.#bars.update();
    this.#stream.uncork();
  }

  /** The tasks in progress, as many as have a place, and last the row for all. */
  #contents(): RowContent[] {
    if (this.#stopped) return [];
    const tasks = this.#board.active().map(({ state, speed }) => taskRow(state, speed));
    const overall = this.#board.overall();
    const most = Math.max(1, this.#height - TEXT_ROWS);
    // What comes after the planned tasks, such as the mean patches of a report, is not summed up.
    if (!overall || (overall.ended === overall.tasks && tasks.length > 0)) return tasks.slice(0, most);
    return [...tasks.slice(0, most - 1), overallRow(overall)];
  }

  #onResize = (): void => {
    this.#resizedAt = performance.now();
    let over = this.#screenRows() - this.#height;
    const hidden = this.#rows.findIndex((row) => {
      over -= this.#heightOf(row);
      return over < 0;
    });
    if (hidden > this.#hidden.rows) this.#hidden = { rows: hidden, height: this.#height };
  };

  /** Rows of the screen that the bars take. */
  #screenRows(): number {
    return this.#rows.reduce((sum, row) => sum + this.#heightOf(row), 0);
  }

  /** A terminal that became narrower has wrapped its rows. */
  #heightOf(row: string): number {
    return Math.ceil(Math.max(1, row.length) / this.#columns);
  }

  /** Empties the rows of the last frame, those that a larger window shows again too, and moves to the first of them. */
  #erase(): void {
    const back = Math.min(this.#hidden.rows, Math.max(0, this.#height - this.#hidden.height));
    this.#hidden = { rows: this.#lines.length > 0 ? 0 : this.#hidden.rows - back, height: this.#height };
    const last = this.#screenRows() + back - 1;
    if (last > 0) this.#stream.moveCursor(0, -last);
    this.#stream.cursorTo(0);
    // Row by row: what is cleared from the top of a screen at once, some terminals keep in their history.
    for (let row = 0; row <= last; row++) {
      this.#stream.clearLine(0);
      if (row < last) this.#stream.moveCursor(0, 1);
    }
    if (last > 0) this.#stream.moveCursor(0, -last);
  }
}
