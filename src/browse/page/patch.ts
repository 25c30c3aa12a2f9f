/** The dialog of one patch: its picture, what is known of it, its copies and neighbours, and the ways to it. */
import { byId, copyButton, create, number } from './dom.js';
import {
  type Columns,
  patchUrl,
  readSha1,
  type ServerState,
  type SplitName,
  type SplitState,
} from './server.js';

const MAX_COPIES = 40;
const MAX_NEIGHBOURS = 8;

export interface PatchDialogOptions {
  readonly state: () => ServerState;
  readonly columnsOf: (split: SplitName) => Columns;
  /** Opens another patch, of any split. */
  readonly onOpen: (split: SplitName, index: number) => void;
  /** Next or previous patch of the list; `error`: the next wrong one. */
  readonly onStep: (step: -1 | 1 | 'error') => void;
  readonly onClose: () => void;
  readonly onShowSlide: (slide: string) => void;
}

export class PatchDialog {
  readonly #dialog = byId<HTMLDialogElement>('patch');
  readonly #options: PatchDialogOptions;
  /** Counts the patches that were opened: what arrives late for an earlier one is dropped. */
  #opened = 0;

  constructor(options: PatchDialogOptions) {
    this.#options = options;
    this.#dialog.addEventListener('close', () => options.onClose());
    this.#dialog.addEventListener('click', (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener('keydown', (event) => {
      const steps: Record<string, -1 | 1 | 'error'> = {
        ...{ ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, e: 'error' },
      };
      const step = steps[event.key];
      if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      options.onStep(step);
    });
  }

  close(): void {
    if (this.#dialog.open) this.#dialog.close();
  }

  async show(split: SplitName, index: number): Promise<void> {
    const turn = ++this.#opened;
    const content = await this.#content(split, index);
    if (turn !== this.#opened) return;
    this.#dialog.replaceChildren(content);
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  async #content(split: SplitName, index: number): Promise<HTMLElement> {
    const { state, columnsOf, onOpen, onShowSlide } = this.#options;
    const { splits, dir, calledAs } = state();
    const facts = splits.find(({ name }) => name === split)!;
    const columns = columnsOf(split);
    const has = (name: string) => facts.columns.includes(name);
    const value = async (name: string) => (has(name) ? (await columns.read(name))[index] : undefined);
    const [label, slideNumber, x, y, score] = await Promise.all(
      ['label', 'slide', 'x', 'y', 'score'].map(value),
    );
    const sha1 = has('first') ? await readSha1(split, index) : null;
    const slide = slideNumber === undefined ? undefined : facts.slides![slideNumber];
    const picture = create('img', { src: patchUrl(split, index), alt: `Patch ${index} of ${split}` });
    const thumb = (of: SplitName, i: number) => {
      const title = `${of} ${number(i)}`;
      const image = create('img', { src: patchUrl(of, i), alt: title });
      const button = create(
        'button',
        { type: 'button', className: 'thumb', title, 'aria-label': title },
        image,
      );
      button.addEventListener('click', () => onOpen(of, i));
      return button;
    };
    const copies = await this.#copies(split, index);
    const near = slideNumber === undefined ? [] : await neighbours(columns, index);
    const folder = JSON.stringify(dir);
    const command = `${calledAs} browse --dir ${folder} --split ${split}`;
    const python = `pcam.Patches(${folder}, split="${split}")[${index}]`;
    const rows: [string, Node | string | undefined][] = [
      ['Label', label === undefined ? undefined : labelTag(label)],
      ['Score', score === undefined ? undefined : score.toPrecision(4)],
      ['Slide', slide === undefined ? undefined : slideButton(slide, onShowSlide)],
      ['Position', x === undefined ? undefined : `${number(x)}, ${number(y!)} (px of level 0)`],
      ['Key', `${split}_${String(index).padStart(6, '0')}`],
      ['SHA-1', sha1 ?? undefined],
    ];
    return create(
      'div',
      { className: 'patch' },
      create(
        'div',
        { className: `large${label === 1 ? ' positive' : ''}`, 'data-split': split, 'data-index': index },
        picture,
      ),
      create(
        'div',
        {},
        this.#closeButton(),
        create('h2', { id: 'patch-title' }, `${split} ${number(index)}`),
        create(
          'dl',
          {},
          ...rows.flatMap(([name, text]) =>
            text === undefined ? [] : [create('dt', {}, name), create('dd', {}, text)],
          ),
        ),
        ...(copies.length > 0
          ? [heading(copiesTitle(copies)), row(copies.slice(0, MAX_COPIES).map((one) => thumb(...one)))]
          : []),
        ...(near.length > 0 ? [heading('Nearest on the slide'), row(near.map((i) => thumb(split, i)))] : []),
        heading('Copy'),
        row([
          copyButton('Link', location.href),
          copyButton('Python', python),
          copyButton('Command', command),
          ...(sha1 === null ? [] : [copyButton('SHA-1', sha1)]),
        ]),
        create('p', { className: 'note' }, 'Arrow keys: next and previous patch. E: next error. Esc: close.'),
      ),
    );
  }

  #closeButton(): HTMLElement {
    const button = create('button', { type: 'button', className: 'close', 'aria-label': 'Close' }, '✕');
    button.addEventListener('click', () => this.#dialog.close());
    return button;
  }

  /** Other patches of all splits with the same pixels. */
  async #copies(split: SplitName, index: number): Promise<[SplitName, number][]> {
    const { state, columnsOf } = this.#options;
    const { splits } = state();
    if (!splits.every(({ columns }) => columns.includes('content'))) return [];
    const content = (await columnsOf(split).read('content'))[index]!;
    const found: [SplitName, number][] = [];
    for (const { name } of splits as SplitState[]) {
      const values = await columnsOf(name).read('content');
      for (let at = values.indexOf(content as never); at >= 0; at = values.indexOf(content as never, at + 1))
        if (name !== split || at !== index) found.push([name, at]);
    }
    return found;
  }
}

function copiesTitle(copies: readonly [SplitName, number][]): string {
  const shown = copies.length > MAX_COPIES ? `, the first ${MAX_COPIES}` : '';
  return `${number(copies.length)} ${copies.length === 1 ? 'copy' : 'copies'}${shown}`;
}

function heading(text: string): HTMLElement {
  return create('h3', {}, text);
}

function row(children: HTMLElement[]): HTMLElement {
  return create('div', { className: 'row' }, ...children);
}

function labelTag(label: number): HTMLElement {
  return create(
    'span',
    { className: label === 1 ? 'tag tumor' : 'tag' },
    label === 1 ? '1, tumor' : '0, no tumor',
  );
}

function slideButton(slide: string, onShowSlide: (slide: string) => void): HTMLElement {
  const button = create('button', { type: 'button' }, slide);
  button.addEventListener('click', () => onShowSlide(slide));
  return button;
}

async function neighbours(columns: Columns, index: number): Promise<number[]> {
  const [slides, xs, ys] = await Promise.all(['slide', 'x', 'y'].map((name) => columns.read(name)));
  const near: { at: number; distance: number }[] = [];
  for (let at = 0; at < slides!.length; at++) {
    if (at === index || slides![at] !== slides![index]) continue;
    near.push({ at, distance: Math.hypot(xs![at]! - xs![index]!, ys![at]! - ys![index]!) });
  }
  return near
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MAX_NEIGHBOURS)
    .map(({ at }) => at);
}
