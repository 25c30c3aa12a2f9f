/** Progress: bars on a terminal, an occasional plain line elsewhere, or each event as JSON. */
import { type OnEvent, printableJson } from '../core/index.js';
import { TaskBoard } from './board.js';
import { rowWords, taskRow } from './row.js';
import { Sentences } from './sentences.js';
import { type Paint, painter } from './table.js';

/** Seconds between two lines about a task, where there is no terminal. */
const LINE_SECONDS = 15;
/** Seconds between two JSON events of a task's progress. */
const MIN_EVENT_SECONDS = 0.2;

export interface Progress {
  readonly onEvent: OnEvent;
  /** Prints a line, above the bars where there are any. */
  say(line: string): void;
  /** Removes the bars; safe to call twice. */
  stop(): void;
}

export interface ProgressOptions {
  stream: NodeJS.WriteStream;
  /** `json`: each event is one JSON document in a line of its own. */
  mode: 'bar' | 'lines' | 'json' | 'none';
  colour?: 'always' | 'never' | 'auto';
}

const seconds = () => performance.now() / 1000;

/** cli-progress is loaded for bars alone. */
export async function createProgress({ stream, mode, colour = 'never' }: ProgressOptions): Promise<Progress> {
  const say = (line: string) => void stream.write(`${line}\n`);
  if (mode === 'none') return { onEvent() {}, say, stop() {} };
  if (mode === 'json') return { onEvent: jsonEvents(say, seconds), say, stop() {} };
  const paint = painter(colour, stream);
  if (mode === 'lines') return new Lines(stream, paint);
  const { Bars } = await import('./bars.js');
  return new Bars(stream, paint);
}

/**
 * Writes events as JSON, at most five of a task's progress in a second.
 * @param now seconds
 */
export function jsonEvents(write: (line: string) => void, now: () => number): OnEvent {
  const written = new Map<string, number>();
  return (event) => {
    if (event.type === 'progress') {
      const last = written.get(event.task);
      if (last !== undefined && now() - last < MIN_EVENT_SECONDS) return;
      written.set(event.task, now());
    }
    write(printableJson(event, 0));
  };
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
    if (last === undefined || now - last < LINE_SECONDS) return;
    this.#reported.set(task, now);
    const active = this.#board.active().find(({ state }) => state.task === task);
    if (active) this.#stream.write(`${rowWords(taskRow(active.state, active.speed))}\n`);
  }
}
