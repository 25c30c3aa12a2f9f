/** Progress: bars on a terminal, a plain line now and then elsewhere. The only importer of cli-progress. */
import cliProgress from 'cli-progress';
import {
  formatBytes,
  formatSeconds,
  type OnEvent,
  type PcamEvent,
  printable,
  type Step,
  shortName,
  type TaskState,
} from '../core/index.js';

/** Seconds between two lines about a file, where there is no terminal. */
const LINE_EVERY = 15;
const NAME_WIDTH = 20;
/** Seconds over which speed is averaged. */
const SPEED_WINDOW = 8;

export interface Progress {
  readonly onEvent: OnEvent;
  /** Removes the bars; safe to call twice. */
  stop(): void;
}

export interface ProgressOptions {
  stream: NodeJS.WriteStream;
  quiet?: boolean;
}

export function createProgress({ stream, quiet = false }: ProgressOptions): Progress {
  if (quiet) return { onEvent: () => {}, stop: () => {} };
  return stream.isTTY ? new Bars(stream) : new Lines(stream);
}

/** Bytes a second over the last seconds. */
class Speed {
  readonly #samples: { at: number; bytes: number }[] = [];

  add(bytes: number): void {
    const at = performance.now() / 1000;
    const last = this.#samples.at(-1);
    if (last && at - last.at < 0.2) last.bytes = bytes;
    else this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - this.#samples[0]!.at > SPEED_WINDOW) this.#samples.shift();
  }

  get perSecond(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.at - first.at < 0.3) return 0;
    return Math.max(0, (last.bytes - first.bytes) / (last.at - first.at));
  }
}

const STEP_WORDS: Partial<Record<Step, string>> = {
  check: 'checking what is there',
  unpack: 'checking and unpacking',
  import: 'taking over',
};

/** What is being done to a file or split, as words for the end of a bar or line. */
function state({ step, unit, done, total }: TaskState, speed: number): string {
  const amount = (n: number) => (unit === 'bytes' ? formatBytes(n) : n.toLocaleString('en-US'));
  const words = STEP_WORDS[step];
  if (words !== undefined) return total === undefined ? words : `${words}, ${percent(done, total)}`;
  if (total === undefined) return amount(done);
  const left = speed > 0 ? `, ${formatSeconds((total - done) / speed)} left` : '';
  const rate = unit === 'bytes' ? formatBytes(speed) : Math.round(speed).toLocaleString('en-US');
  const noun = unit === 'bytes' ? '' : ' patches';
  return `${amount(done)} of ${amount(total)}${noun}, ${rate}/s${left}`;
}

function percent(part: number, whole: number): string {
  return `${whole > 0 ? Math.floor((part / whole) * 100) : 100}%`;
}

/** Lines of at most `width` characters, broken at spaces; those after the first are indented. */
function wrap(text: string, width: number): string[] {
  const rows: string[] = [];
  let rest = text;
  const most = Math.max(20, width - 1);
  while (rest.length > most) {
    const space = rest.lastIndexOf(' ', most);
    const at = space > most / 2 ? space : most;
    rows.push(rest.slice(0, at));
    rest = `  ${rest.slice(at).trimStart()}`;
  }
  return [...rows, rest];
}

/** One line of text for the events that are worth one. */
function sentence(event: PcamEvent): string | undefined {
  switch (event.type) {
    case 'pause':
      return `${event.source}: pausing for ${formatSeconds(event.ms / 1000)} (${event.reason})`;
    case 'drop':
      return `${shortName(event.file)}: giving up on ${event.source} (${event.reason})`;
    case 'notice':
      return event.message;
    case 'end': {
      const name = shortName(event.task);
      if (event.outcome === 'done' || event.unit !== 'bytes') return undefined;
      if (event.outcome === 'failed') return `${name}: failed: ${event.message}`;
      const took =
        event.outcome === 'present' || event.seconds < 1 ? '' : ` in ${formatSeconds(event.seconds)}`;
      return `${name}: ${event.outcome}, ${formatBytes(event.done)}${took}`;
    }
    default:
      return undefined;
  }
}

class Bars implements Progress {
  readonly #bars: cliProgress.MultiBar;
  readonly #stream: NodeJS.WriteStream;
  readonly #open = new Map<string, { bar: cliProgress.SingleBar; speed: Speed }>();
  /** cli-progress redraws from the first bar until it is stopped. */
  #drawing = false;
  #stopped = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#bars = new cliProgress.MultiBar(
      {
        stream,
        format: `{name} [{bar}] {percentage}%  {state}`,
        barCompleteChar: '=',
        barIncompleteChar: ' ',
        barsize: Math.max(10, Math.min(30, (stream.columns ?? 80) - 70)),
        fps: 8,
        hideCursor: true,
        clearOnComplete: true,
        linewrap: false,
        gracefulExit: false,
        emptyOnZero: true,
      },
      cliProgress.Presets.legacy,
    );
  }

  onEvent: OnEvent = (event) => {
    if (this.#stopped) return;
    if (event.type === 'progress') {
      const entry = this.#entry(event.task);
      entry.speed.add(event.done);
      this.#update(event.task, event.done, event.total ?? 0, state(event, entry.speed.perSecond));
    }
    const line = sentence(event);
    if (line !== undefined) {
      // Above the bars each line is cut at the terminal's width.
      for (const row of wrap(printable(line), this.#stream.columns ?? 80)) this.#say(`${row}\n`);
      if (this.#drawing) this.#bars.update();
    }
    if (event.type === 'end') this.#close(event.task);
  };

  stop(): void {
    if (this.#stopped) return;
    for (const file of [...this.#open.keys()]) this.#close(file);
    this.#stopped = true;
    if (this.#drawing) this.#bars.stop();
  }

  /** An update before the first bar would start a timer that `stop` does not know of, and that never ends. */
  #say(row: string): void {
    if (this.#drawing) this.#bars.log(row);
    else this.#stream.write(row);
  }

  #entry(file: string) {
    let entry = this.#open.get(file);
    if (!entry) {
      const name = shortName(file).padEnd(NAME_WIDTH);
      this.#drawing = true;
      entry = { bar: this.#bars.create(1, 0, { name, state: '' }), speed: new Speed() };
      this.#open.set(file, entry);
    }
    return entry;
  }

  #update(file: string, value: number, total: number, words: string): void {
    const { bar } = this.#entry(file);
    bar.setTotal(Math.max(total, 1));
    bar.update(Math.min(value, Math.max(total, 1)), { state: words });
  }

  #close(file: string): void {
    const entry = this.#open.get(file);
    if (!entry) return;
    this.#open.delete(file);
    this.#bars.remove(entry.bar);
  }
}

class Lines implements Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #files = new Map<string, { speed: Speed; last: number }>();

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  onEvent: OnEvent = (event) => {
    if (event.type === 'progress') this.#progress(event);
    const line = sentence(event);
    if (line !== undefined) this.#say(line);
  };

  stop(): void {}

  #progress(event: Extract<PcamEvent, { type: 'progress' }>): void {
    const now = performance.now() / 1000;
    let entry = this.#files.get(event.task);
    if (!entry) {
      entry = { speed: new Speed(), last: now };
      this.#files.set(event.task, entry);
    }
    entry.speed.add(event.done);
    if (now - entry.last < LINE_EVERY) return;
    entry.last = now;
    this.#say(`${shortName(event.task)}: ${state(event, entry.speed.perSecond)}`);
  }

  #say(line: string): void {
    this.#stream.write(`${printable(line)}\n`);
  }
}
