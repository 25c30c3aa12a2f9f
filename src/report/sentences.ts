/** Lines of text for the events that are worth one. */
import { formatBytes, formatSeconds, type PcamEvent, printable, shortName } from '../core/index.js';
import type { Style } from './table.js';

/** Seconds in which the same problem with a source is reported once. */
const REPEAT_SECONDS = 60;

export interface Sentence {
  readonly text: string;
  readonly style?: Style;
}

export class Sentences {
  readonly #now: () => number;
  /** When a message was last printed, by its text. */
  readonly #reported = new Map<string, number>();

  /** @param now seconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The line that an event is worth, safe to print; undefined for most. */
  of(event: PcamEvent): Sentence | undefined {
    switch (event.type) {
      case 'pause':
      case 'drop':
        return this.#trouble(event);
      case 'notice':
        return { text: printable(event.message), style: 'yellow' };
      case 'end':
        return ended(event);
      default:
        return undefined;
    }
  }

  /** Requests that were in progress together fail of one cause, often for several files: that is one line. */
  #trouble(event: Extract<PcamEvent, { type: 'pause' | 'drop' }>): Sentence | undefined {
    const { type, source, file, reason } = event;
    const key = `${type} ${source} ${reason.replaceAll(file, '')}`;
    const [now, last] = [this.#now(), this.#reported.get(key)];
    if (last !== undefined && now - last < REPEAT_SECONDS) return undefined;
    this.#reported.set(key, now);
    const text =
      type === 'pause'
        ? `${source}: pausing for ${formatSeconds(event.ms / 1000)} (${reason})`
        : `${shortName(file)}: giving up on ${source} (${reason})`;
    return { text: printable(text), style: 'yellow' };
  }
}

function ended(event: Extract<PcamEvent, { type: 'end' }>): Sentence | undefined {
  const { task, unit, outcome, done, seconds } = event;
  // The command reports why it failed, once for all files with the same cause.
  if (outcome === 'failed') return { text: `${shortName(task)}: failed`, style: 'red' };
  if (outcome === 'done' || unit !== 'bytes') return undefined;
  // The task is the archive, and the decompressed file is what is there.
  if (outcome === 'present') return { text: `${shortName(task).replace(/\.gz$/, '')}: present` };
  const took = seconds < 1 ? '' : ` in ${formatSeconds(seconds)}`;
  return { text: `${shortName(task)}: ${outcome}, ${formatBytes(done)}${took}` };
}
