/**
 * The grid: a virtual scroller. Only visible patches are elements; the scroll position is a number of our own, as browsers
 * limit the height of an element to some 18 to 33 million px and a phone's column of 262,144 patches is higher.
 */
import { patchUrl, type SplitName } from './server.js';

/** Height (px) of the scrolled element from which on its scale is no longer 1. */
const MAX_HEIGHT = 8_000_000;
const GAP = 6;
const MARGIN = 12;
/** Rows above and below the visible ones whose pictures are asked for ahead. */
const ROWS_AHEAD = 3;

export interface GridPatches {
  readonly split: SplitName;
  readonly indices: Uint32Array;
  readonly size: number;
  describe(index: number): { name: string; positive: boolean; wrong: boolean };
}

export class Grid {
  readonly #element: HTMLElement;
  readonly #spacer: HTMLElement;
  readonly #cells = new Map<number, HTMLElement>();
  #free: HTMLElement[] = [];
  #patches: GridPatches = { split: 'train', indices: new Uint32Array(), size: 96, describe: () => NOTHING };
  /** Position in the list of the patch that has the focus. */
  #current = 0;
  /** Distance (px) from the top of all rows to the top of the window. */
  #offset = 0;
  /** The scrollTop that was set here last: any other is the reader's. */
  #expected = 0;
  #frame = 0;

  constructor(element: HTMLElement, onOpen: (position: number) => void) {
    this.#element = element;
    this.#spacer = element.firstElementChild as HTMLElement;
    element.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    element.addEventListener('keydown', (event) => this.#onKey(event, onOpen));
    element.addEventListener('click', (event) => {
      const cell = (event.target as Element).closest<HTMLElement>('.cell');
      if (!cell) return;
      this.#current = Number(cell.dataset.position);
      onOpen(this.#current);
    });
    new ResizeObserver(() => this.#layOut()).observe(element);
  }

  get position(): number {
    return this.#current;
  }

  show(patches: GridPatches, position = 0): void {
    const same = patches.split === this.#patches.split;
    this.#patches = patches;
    for (const cell of this.#cells.values()) this.#recycle(cell);
    this.#cells.clear();
    this.#current = Math.max(0, Math.min(position, patches.indices.length - 1));
    if (!same || position === 0) this.#offset = 0;
    this.#layOut();
    this.reveal(this.#current);
  }

  /** Scrolls as little as needed to make a position visible, and gives it the focus ring. */
  reveal(position: number): void {
    if (this.#patches.indices.length === 0) return;
    this.#current = position;
    const top = MARGIN + Math.floor(position / this.#columns) * this.#pitch;
    const height = this.#element.clientHeight;
    if (top < this.#offset) this.#setOffset(top - MARGIN);
    else if (top + this.#pitch > this.#offset + height) this.#setOffset(top + this.#pitch - height);
    this.#draw();
  }

  get #pitch(): number {
    return this.#patches.size + GAP;
  }

  get #columns(): number {
    return Math.max(1, Math.floor((this.#element.clientWidth - 2 * MARGIN + GAP) / this.#pitch));
  }

  get #height(): number {
    return 2 * MARGIN + Math.ceil(this.#patches.indices.length / this.#columns) * this.#pitch - GAP;
  }

  get #maxOffset(): number {
    return Math.max(0, this.#height - this.#element.clientHeight);
  }

  /** Of the scrollbar's way to that of the rows: 1 unless there are very many of them. */
  get #ratio(): number {
    const way = Math.min(this.#height, MAX_HEIGHT) - this.#element.clientHeight;
    return this.#maxOffset === 0 ? 1 : way / this.#maxOffset;
  }

  #layOut(): void {
    this.#spacer.style.height = `${Math.min(this.#height, MAX_HEIGHT)}px`;
    this.#setOffset(this.#offset);
    this.#draw();
  }

  #setOffset(offset: number): void {
    this.#offset = Math.max(0, Math.min(offset, this.#maxOffset));
    this.#element.scrollTop = this.#offset * this.#ratio;
    this.#expected = this.#element.scrollTop;
  }

  #onScroll(): void {
    const { scrollTop, clientHeight } = this.#element;
    const moved = scrollTop - this.#expected;
    if (moved === 0) return;
    // A wheel or a finger moves a little: by as much as it says. The scrollbar moves far: in proportion.
    const far = this.#ratio === 1 || Math.abs(moved) > 3 * clientHeight;
    const offset = far ? scrollTop / this.#ratio : this.#offset + moved;
    this.#offset = Math.max(0, Math.min(offset, this.#maxOffset));
    if (far) this.#expected = scrollTop;
    else this.#setOffset(this.#offset);
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    const { indices, size } = this.#patches;
    const columns = this.#columns;
    const first = Math.max(0, Math.floor((this.#offset - MARGIN) / this.#pitch) - ROWS_AHEAD);
    const rows = Math.ceil(this.#element.clientHeight / this.#pitch) + 1 + 2 * ROWS_AHEAD;
    const [from, to] = [first * columns, Math.min(indices.length, (first + rows) * columns)];
    for (const [position, cell] of this.#cells) {
      if (position >= from && position < to) continue;
      this.#cells.delete(position);
      this.#recycle(cell);
    }
    // Where the rows are relative to the window; the element's own way is on another scale.
    const shift = this.#element.scrollTop - this.#offset;
    for (let position = from; position < to; position++) {
      const cell = this.#cells.get(position) ?? this.#place(position);
      const x = MARGIN + (position % columns) * this.#pitch;
      const y = MARGIN + Math.floor(position / columns) * this.#pitch + shift;
      cell.style.transform = `translate(${x}px, ${y}px)`;
      cell.style.width = cell.style.height = `${size}px`;
      cell.classList.toggle('current', position === this.#current);
      cell.setAttribute('aria-selected', String(position === this.#current));
      if (position === this.#current) this.#element.setAttribute('aria-activedescendant', cell.id);
    }
    for (const cell of this.#free) cell.remove();
  }

  #place(position: number): HTMLElement {
    const { split, indices, describe } = this.#patches;
    const index = indices[position]!;
    const cell = this.#free.pop() ?? createCell();
    const { name, positive, wrong } = describe(index);
    const picture = cell.firstElementChild as HTMLImageElement;
    cell.id = `cell-${position}`;
    Object.assign(cell.dataset, { split, index: String(index), position: String(position) });
    cell.setAttribute('aria-label', name);
    cell.setAttribute('aria-posinset', String(position + 1));
    cell.setAttribute('aria-setsize', String(indices.length));
    cell.classList.toggle('positive', positive);
    cell.classList.toggle('wrong', wrong);
    picture.src = patchUrl(split, index);
    this.#cells.set(position, cell);
    this.#element.append(cell);
    return cell;
  }

  #recycle(cell: HTMLElement): void {
    // Without it the browser would go on loading what has left the window.
    (cell.firstElementChild as HTMLImageElement).removeAttribute('src');
    this.#free.push(cell);
  }

  #onKey(event: KeyboardEvent, onOpen: (position: number) => void): void {
    const columns = this.#columns;
    const page = columns * Math.max(1, Math.floor(this.#element.clientHeight / this.#pitch) - 1);
    const last = this.#patches.indices.length - 1;
    const moves: Record<string, number> = {
      ArrowLeft: this.#current - 1,
      ArrowRight: this.#current + 1,
      ArrowUp: this.#current - columns,
      ArrowDown: this.#current + columns,
      PageUp: this.#current - page,
      PageDown: this.#current + page,
      Home: 0,
      End: last,
    };
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      if (last >= 0) onOpen(this.#current);
      return;
    }
    const to = moves[event.key];
    if (to === undefined || last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (to >= 0 && to <= last) this.reveal(to);
    else if (event.key.startsWith('Page')) this.reveal(Math.max(0, Math.min(to, last)));
  }
}

const NOTHING = { name: '', positive: false, wrong: false };

function createCell(): HTMLElement {
  const cell = document.createElement('div');
  cell.className = 'cell';
  cell.setAttribute('role', 'option');
  const picture = document.createElement('img');
  picture.alt = '';
  picture.decoding = 'async';
  picture.draggable = false;
  cell.append(picture);
  return cell;
}
