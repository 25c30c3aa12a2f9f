/** The form of filters: what there is to choose, with the number of patches beside each choice. */
import { FILTERS, MAX_SIZE, MIN_SIZE, ORDERS, type ViewState } from './address.js';
import { NEEDS } from './choose.js';
import { copyButton, create, number } from './dom.js';
import type { ServerState, SplitState } from './server.js';

const WORDS: Record<string, string> = {
  ...{ 'label=': 'all', 'label=1': 'tumor', 'label=0': 'no tumor' },
  ...{
    'copies=': 'all',
    'copies=unique': 'first of identical patches',
    'copies=repeated': 'with identical copies',
  },
  ...{
    'copies=conflicting': 'identical, with both labels',
    'colour=': 'all',
    'colour=uniform': 'one colour only',
  },
  ...{ 'colour=tissue': 'half tissue or more', 'score=': 'all', 'score=wrong': 'wrong at 0.5' },
  ...{ 'score=confident': 'confident (within 0.05 of 0 or 1)', 'score=uncertain': 'uncertain (0.4 to 0.6)' },
};
const TITLES = { label: 'Label', copies: 'Duplicates', colour: 'Content', score: 'Score' } as const;
/** Every filter that has a count. */
export const COUNTED = Object.keys(NEEDS);
const ORDER_WORDS: Record<string, string> = {
  ...{
    file: 'of the file',
    score: 'score',
    brightness: 'brightness',
    saturation: 'saturation',
    tissue: 'tissue',
  },
};

export interface FiltersInput {
  readonly view: ViewState;
  readonly server: ServerState;
  readonly split: SplitState;
  readonly counts: ReadonlyMap<string, number>;
  /** Patches of each slide, in the order of the split's slides. */
  readonly perSlide: readonly number[];
  /** Patches that are shown now. */
  readonly shown: number;
  readonly change: (change: Partial<ViewState>) => void;
  readonly saveIndices: () => void;
}

export function drawFilters(form: HTMLFormElement, input: FiltersInput): void {
  const focused = (document.activeElement as HTMLInputElement | null)?.id ?? '';
  const { server, split } = input;
  form.replaceChildren(
    scanNote(server),
    choice('label', input),
    ...(split.slides ? [slides(input)] : []),
    choice('copies', input),
    choice('colour', input),
    ...(split.columns.includes('score') ? [choice('score', input)] : []),
    orders(input),
    display(input),
    selection(input),
  );
  // The form may be drawn again while the keyboard is in use: the focus stays where it was.
  if (focused !== '' && form.querySelector(`#${CSS.escape(focused)}`))
    document.getElementById(focused)?.focus();
}

function scanNote({ scan }: ServerState): HTMLElement {
  if (scan.state === 'done') return create('div', { hidden: true });
  const text =
    scan.state === 'failed'
      ? `The patches could not all be read: ${scan.message}`
      : `Reading all patches for duplicates, colours and order: ${number(scan.done)} of ${number(scan.total)}`;
  const bar = create('progress', { max: scan.total, value: scan.done, 'aria-label': 'Reading all patches' });
  return create('fieldset', {}, create('p', { className: 'note' }, text), scan.state === 'running' && bar);
}

function choice(name: keyof typeof TITLES, { view, split, counts, change }: FiltersInput): HTMLElement {
  const rows = FILTERS[name].map((value) => {
    const filter = `${name}=${value}`;
    const there = value === '' || NEEDS[filter]!.every((column) => split.columns.includes(column));
    const input = create('input', {
      ...{ type: 'radio', name, id: `filter-${name}-${value || 'all'}`, checked: view[name] === value },
      disabled: !there,
    });
    input.addEventListener('change', () => change({ [name]: value }));
    return create('label', {}, input, WORDS[filter]!, countOf(counts.get(filter)));
  });
  return create('fieldset', {}, create('legend', {}, TITLES[name]), ...rows);
}

function slides({ view, split, counts, perSlide, change }: FiltersInput): HTMLElement {
  const names = split.slides!;
  const sorted = names.map((name, i) => ({
    name,
    patches: perSlide[i] ?? 0,
    questionable: split.questionable.includes(i),
  }));
  sorted.sort((a, b) => (a.name < b.name ? -1 : 1));
  const select = create(
    'select',
    { id: 'filter-slide', 'aria-label': 'Slide' },
    create('option', { value: '' }, `all ${number(names.length)} slides`),
    ...sorted.map(({ name, patches, questionable }) =>
      create(
        'option',
        { value: name, selected: name === view.slide },
        `${name} (${number(patches)})${questionable ? ' ?' : ''}`,
      ),
    ),
  );
  select.addEventListener('change', () => change({ slide: select.value }));
  const input = create('input', { type: 'checkbox', id: 'filter-questionable', checked: view.questionable });
  input.addEventListener('change', () => change({ questionable: input.checked }));
  const label = create('label', {}, input, 'questionable labels', countOf(counts.get('questionable')));
  return create('fieldset', {}, create('legend', {}, 'Slide'), select, label);
}

function orders({ view, split, change }: FiltersInput): HTMLElement {
  const reverse = view.order.startsWith('-');
  const name = view.order.replace(/^-/, '');
  const select = create(
    'select',
    { id: 'filter-order', 'aria-label': 'Order' },
    ...ORDERS.map((value) =>
      create(
        'option',
        { value, selected: value === name, disabled: value !== 'file' && !split.columns.includes(value) },
        ORDER_WORDS[value]!,
      ),
    ),
  );
  const down = create('input', { type: 'checkbox', id: 'filter-reverse', checked: reverse });
  const apply = () => change({ order: `${down.checked ? '-' : ''}${select.value}` });
  select.addEventListener('change', apply);
  down.addEventListener('change', apply);
  return create(
    'fieldset',
    {},
    create('legend', {}, 'Order'),
    select,
    create('label', {}, down, 'largest first'),
  );
}

function display({ view, change }: FiltersInput): HTMLElement {
  const size = create('input', {
    ...{ type: 'range', id: 'filter-size', min: MIN_SIZE, max: MAX_SIZE, step: 24, value: view.size },
    'aria-label': 'Size of a patch',
  });
  size.addEventListener('input', () => change({ size: Number(size.value) }));
  const toggle = (name: 'box' | 'crop', text: string) => {
    const input = create('input', { type: 'checkbox', id: `filter-${name}`, checked: view[name] });
    input.addEventListener('change', () => change({ [name]: input.checked }));
    return create('label', {}, input, text);
  };
  return create(
    'fieldset',
    {},
    create('legend', {}, `Size: ${view.size} px`),
    size,
    toggle('box', 'box around the centre of tumor patches'),
    toggle('crop', 'only the centre 32 x 32 px'),
  );
}

function selection({ server, view, shown, saveIndices }: FiltersInput): HTMLElement {
  const save = create('button', { type: 'button', disabled: shown === 0 }, 'Save as an indices file');
  save.addEventListener('click', saveIndices);
  const command = `${server.calledAs} export --dir ${JSON.stringify(server.dir)} --split ${view.split} --indices pcam-indices.txt --format png`;
  return create(
    'fieldset',
    {},
    create('legend', {}, `These ${number(shown)} patches`),
    save,
    create('p', { className: 'note' }, create('code', {}, command)),
    copyButton('Copy the command', command),
  );
}

function countOf(count: number | undefined): HTMLElement {
  return create('span', { className: 'count' }, count === undefined ? '' : number(count));
}
