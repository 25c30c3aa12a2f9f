/** The state of the page, which is all in its address: every view is a link. */
import type { SplitName } from './server.js';

export const FILTERS = {
  label: ['', '1', '0'],
  copies: ['', 'unique', 'repeated', 'conflicting'],
  colour: ['', 'uniform', 'tissue'],
  score: ['', 'wrong', 'confident', 'uncertain'],
} as const;
export const ORDERS = ['file', 'score', 'brightness', 'saturation', 'tissue'] as const;

export interface ViewState {
  split: SplitName;
  view: 'grid' | 'slide';
  /** The patch that is open. */
  index: number | undefined;
  label: string;
  /** Name of a slide; '' for all. */
  slide: string;
  questionable: boolean;
  copies: string;
  colour: string;
  score: string;
  /** The order; `-` before it: the largest value first. */
  order: string;
  /** Side of a patch in CSS px. */
  size: number;
  box: boolean;
  crop: boolean;
}

export const MIN_SIZE = 24;
export const MAX_SIZE = 288;
const DEFAULTS: Omit<ViewState, 'split'> = {
  ...{
    view: 'grid',
    index: undefined,
    label: '',
    slide: '',
    questionable: false,
    copies: '',
    colour: '',
    score: '',
  },
  ...{ order: 'file', size: 96, box: true, crop: false },
};

/** What an address says; anything that it does not say, or says wrongly, is the default. */
export function parseAddress(hash: string, splits: readonly SplitName[]): ViewState {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const oneOf = (name: keyof typeof FILTERS) => {
    const word = words.get(name) ?? '';
    return (FILTERS[name] as readonly string[]).includes(word) ? word : '';
  };
  const split = words.get('split') as SplitName;
  const index = /^\d{1,9}$/.test(words.get('index') ?? '') ? Number(words.get('index')) : undefined;
  const size = Number(words.get('size') ?? DEFAULTS.size);
  const order = words.get('order') ?? DEFAULTS.order;
  return {
    ...DEFAULTS,
    split: splits.includes(split) ? split : splits[0]!,
    view: words.get('view') === 'slide' ? 'slide' : 'grid',
    index,
    label: oneOf('label'),
    slide: words.get('slide') ?? '',
    questionable: words.get('questionable') === '1',
    copies: oneOf('copies'),
    colour: oneOf('colour'),
    score: oneOf('score'),
    order: (ORDERS as readonly string[]).includes(order.replace(/^-/, '')) ? order : DEFAULTS.order,
    size: size >= MIN_SIZE && size <= MAX_SIZE ? Math.round(size) : DEFAULTS.size,
    box: words.get('box') !== '0',
    crop: words.get('crop') === '1',
  };
}

export function formatAddress(state: ViewState): string {
  const words = new URLSearchParams({ split: state.split });
  if (state.index !== undefined) words.set('index', String(state.index));
  for (const name of ['view', 'label', 'slide', 'copies', 'colour', 'score', 'order', 'size'] as const)
    if (state[name] !== DEFAULTS[name]) words.set(name, String(state[name]));
  if (state.questionable) words.set('questionable', '1');
  if (!state.box) words.set('box', '0');
  if (state.crop) words.set('crop', '1');
  return `#${words}`;
}
