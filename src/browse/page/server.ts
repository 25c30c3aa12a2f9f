/** What the page asks its server for. */

export type SplitName = 'train' | 'valid' | 'test';

export interface SplitState {
  readonly name: SplitName;
  readonly count: number;
  /** Names of the slides; null without the meta CSV. */
  readonly slides: readonly string[] | null;
  /** Numbers of the slides whose labels are known to be questionable. */
  readonly questionable: readonly number[];
  /** Patches that the command line chose; null: all. */
  readonly chosen: number | null;
  /** Names of the columns that are there by now. */
  readonly columns: readonly string[];
}

export interface ServerState {
  readonly dir: string;
  readonly dataset: string;
  readonly calledAs: string;
  readonly scan: { state: 'running' | 'done' | 'failed'; done: number; total: number; message?: string };
  readonly tileSize: number;
  readonly splits: readonly SplitState[];
}

export interface SlideMap {
  readonly width: number;
  readonly height: number;
  readonly levels: number;
  readonly left: number;
  readonly top: number;
  readonly patches: readonly number[];
}

export type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array;

const TYPES: Record<string, new (buffer: ArrayBuffer) => Column> = {
  label: Uint8Array,
  slide: Uint16Array,
  x: Int32Array,
  y: Int32Array,
  first: Uint32Array,
  copies: Uint32Array,
  uniform: Uint8Array,
  conflicting: Uint8Array,
  content: Uint32Array,
  chosen: Uint32Array,
  brightness: Float32Array,
  saturation: Float32Array,
  tissue: Float32Array,
  score: Float32Array,
};

async function ask(path: string): Promise<Response> {
  const response = await fetch(path, { credentials: 'same-origin' });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

export async function readState(): Promise<ServerState> {
  return (await ask('state')).json();
}

export async function readSlide(split: SplitName, slide: number): Promise<SlideMap> {
  return (await ask(`slide/${split}/${slide}`)).json();
}

export async function readSha1(split: SplitName, index: number): Promise<string | null> {
  const { sha1 } = (await (await ask(`sha1/${split}/${index}`)).json()) as { sha1: string | null };
  return sha1;
}

export function patchUrl(split: SplitName, index: number): string {
  return `patch/${split}/${index}.png`;
}

/** The columns of a split, each asked for once. */
export class Columns {
  readonly #columns = new Map<string, Promise<Column>>();

  constructor(readonly split: SplitName) {}

  read(name: string): Promise<Column> {
    let column = this.#columns.get(name);
    if (!column) {
      column = ask(`column/${this.split}/${name}`)
        .then((response) => response.arrayBuffer())
        .then((buffer) => new TYPES[name]!(buffer));
      column.catch(() => this.#columns.delete(name));
      this.#columns.set(name, column);
    }
    return column;
  }
}
