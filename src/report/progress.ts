/** Progress: bars on a terminal, an occasional plain line elsewhere. */
import type { OnEvent } from '../core/index.js';
import { TaskBoard } from './board.js';
import { rowWords, taskRow } from './row.js';
import { Sentences } from './sentences.js';
import { type Paint, painter } from './table.js';

/** Seconds between two lines about a task, where there is no terminal. */
const LINE_EVERY = 15;

export interface Progress {
  readonly onEvent: OnEvent;
  /** Prints a line above the bars: one that is written past them would leave pieces of them behind. */
  say(line: string): void;
  /** Removes the bars; safe to call twice. */
  stop(): void;
}

export interface ProgressOptions {
  stream: NodeJS.WriteStream;
  quiet?: boolean;
  colour?: 'always' | 'never' | 'auto';
  /** The terminal cannot move its cursor. */
  dumb?: boolean;
}

const seconds = () => performance.now() / 1000;

/** Bars are loaded on a terminal only. */
export async function createProgress({
  stream,
  quiet,
  colour = 'never',
  dumb,
}: ProgressOptions): Promise<Progress> {
  if (quiet) return { onEvent() {}, say: (line) => void stream.write(`${line}\n`), stop() {} };
  const paint = painter(colour, stream);
  if (!stream.isTTY || dumb) return new Lines(stream, paint);
  const { Bars } = await import('./bars.js');
  return new Bars(stream, paint);
}

class Lines implements Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #paint: Paint;
  readonly #board = new TaskBoard(seconds);
  readonly #sentences = new Sentences(seconds);
  /** When the progress of a task was last printed. */
  readonly #reported = new Map<string, number>();

  constructor(stream: NodeJS.WriteStream, paint: Paint) {
    this.#stream = stream;
    this.#paint = paint;
  }

  onEvent: OnEvent = (event) => {
    this.#board.apply(event);
    if (event.type === 'progress') this.#progress(event.task);
    const sentence = this.#sentences.of(event);
    if (sentence) this.#stream.write(`${this.#paint(sentence.style, sentence.text)}\n`);
  };

  say(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  stop(): void {}

  #progress(task: string): void {
    const now = seconds();
    const last = this.#reported.get(task);
    if (last === undefined) this.#reported.set(task, now);
    if (last === undefined || now - last < LINE_EVERY) return;
    this.#reported.set(task, now);
    const active = this.#board.active().find(({ state }) => state.task === task);
    if (active) this.#stream.write(`${rowWords(taskRow(active.state, active.speed))}\n`);
  }
}
