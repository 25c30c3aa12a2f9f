/** Progress bars on a terminal. The only importer of cli-progress. */
import cliProgress from 'cli-progress';
import { type OnEvent, wrapText } from '../core/index.js';
import { TaskBoard } from './board.js';
import { layOutRow, overallRow, type RowContent, taskRow } from './row.js';
import { Sentences } from './sentences.js';
import type { Paint } from './table.js';

/** cli-progress writes text over the first row as it is: what is left of the row behind the text has to go. */
const CLEAR_TO_END = '\u001b[K';
/** Rows of the terminal that are left to text. */
const TEXT_ROWS = 4;

const seconds = () => performance.now() / 1000;

/** cli-progress draws the rows, one per task and one for all; this class says what is in them. */
export class Bars {
  readonly #stream: NodeJS.WriteStream;
  readonly #paint: Paint;
  readonly #bars: cliProgress.MultiBar;
  readonly #rows: cliProgress.SingleBar[] = [];
  readonly #board = new TaskBoard(seconds);
  readonly #sentences = new Sentences(seconds);
  /** Widths of the rows on the screen, for a terminal that has become narrower since. */
  #drawn: number[] = [];
  /** How many rows have something in them. */
  #shown = 0;
  /** cli-progress draws from the first row until it is stopped. */
  #drawing = false;
  #stopped = false;

  constructor(stream: NodeJS.WriteStream, paint: Paint) {
    this.#stream = stream;
    this.#paint = paint;
    this.#bars = new cliProgress.MultiBar(
      {
        stream,
        format: (options, _, { row }: { row: number }) => this.#row(row, options),
        barCompleteChar: '=',
        barIncompleteChar: ' ',
        fps: 8,
        hideCursor: true,
        clearOnComplete: true,
        forceRedraw: true,
        linewrap: false,
        gracefulExit: false,
      },
      cliProgress.Presets.legacy,
    );
    this.#bars.on('update-pre', () => this.#beforeUpdate());
    this.#bars.on('update-post', () => this.#afterUpdate());
  }

  onEvent: OnEvent = (event) => {
    if (this.#stopped) return;
    this.#board.apply(event);
    const sentence = this.#sentences.of(event);
    if (sentence) {
      for (const line of wrapText(sentence.text, this.#columns)) {
        this.#say(this.#paint(sentence.style, line));
      }
    }
    if (event.type === 'begin' || event.type === 'end' || event.type === 'plan') this.#fit();
    else if (sentence && this.#drawing) this.#bars.update();
  };

  say(line: string): void {
    if (this.#stopped) this.#stream.write(`${line}\n`);
    else for (const part of wrapText(line, this.#columns)) this.#say(part);
    if (this.#drawing && !this.#stopped) this.#bars.update();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (!this.#drawing) return;
    // Empty rows first: what is cleared from the top of a screen, some terminals keep in their history.
    this.#bars.update();
    this.#bars.stop();
  }

  get #columns(): number {
    return this.#stream.columns || 80;
  }

  /** An update before the first row would start a timer that `stop` does not know of, and that never ends. */
  #say(line: string): void {
    if (this.#drawing) this.#bars.log(`${line}${CLEAR_TO_END}\n`);
    else this.#stream.write(`${line}\n`);
  }

  /** As many rows as there are tasks in progress, and one for all of them. */
  #fit(): void {
    const most = Math.max(1, (this.#stream.rows || 24) - TEXT_ROWS);
    const wanted = Math.min(most, this.#contents().length);
    while (this.#rows.length < wanted) {
      this.#drawing = true;
      this.#rows.push(this.#bars.create(1, 0, { row: this.#rows.length }));
    }
    this.#shown = wanted;
    // What goes is drawn empty first: some terminals keep in their history what is cleared from the top of the screen.
    if (this.#rows.length > wanted) this.#bars.update();
    while (this.#rows.length > wanted) this.#bars.remove(this.#rows.pop()!);
    if (this.#drawing) this.#bars.update();
  }

  /** The row for all comes last, and stays when there is no place for all others. */
  #contents(): RowContent[] {
    const tasks = this.#board.active().map(({ state, speed }) => taskRow(state, speed));
    const overall = this.#board.overall();
    // What comes after the planned tasks, such as the mean patches of a report, is not summed up.
    const over = overall === undefined || (overall.ended === overall.tasks && tasks.length > 0);
    return over ? tasks : [...tasks, overallRow(overall)];
  }

  #row(row: number, options: cliProgress.Options): string {
    const contents = this.#contents();
    if (row >= this.#shown) return '';
    const last = row === this.#shown - 1;
    const content = last ? contents.at(-1) : contents[row];
    if (!content || this.#stopped) return '';
    const text = layOutRow(content, this.#columns, (fraction, barsize) =>
      cliProgress.Format.BarFormat(fraction, { ...options, barsize }),
    );
    this.#drawn[row] = text.length;
    return text;
  }

  #beforeUpdate(): void {
    // One write for a whole picture does not flicker.
    this.#stream.cork();
    this.#climb();
    this.#drawn = [];
  }

  /** Rows that went, or were wrapped, are still below the last one. */
  #afterUpdate(): void {
    this.#stream.clearScreenDown();
    this.#stream.uncork();
  }

  /** A terminal that became narrower has wrapped our rows: the first of them is further up than cli-progress knows. */
  #climb(): void {
    const rows = this.#drawn.map((width) => Math.ceil(Math.max(1, width) / this.#columns) - 1);
    const more = rows.reduce((sum, n) => sum + n, 0);
    if (more > 0) this.#stream.moveCursor(0, -more);
  }
}
