/** The page of `pcam browse`: follows the address, and draws the filters, the grid, a slide or a patch. */
import { formatAddress, parseAddress, type ViewState } from './address.js';
import { choose, countAll, isWrong } from './choose.js';
import { byId, create, number } from './dom.js';
import { COUNTED, drawFilters } from './filters.js';
import { Grid } from './grid.js';
import { PatchDialog } from './patch.js';
import { Columns, readState, type ServerState, type SplitName, type SplitState } from './server.js';
import { SlideView } from './slide.js';

/** How often the page asks how far the scan is (ms). */
const ASK_EVERY = 700;

let server: ServerState = await readState();
const columns = new Map<SplitName, Columns>(server.splits.map(({ name }) => [name, new Columns(name)]));
const columnsOf = (split: SplitName) => columns.get(split)!;
let view: ViewState = parseAddress(location.hash, names());
/** The patches that the grid shows. */
let shown: Uint32Array = new Uint32Array();
/** What `shown` was chosen by. */
let chosenBy = '';
/** Counts the drawings: what arrives late for an earlier one is dropped. */
let drawing = 0;
let slideView: SlideView | undefined;

const grid = new Grid(byId('grid'), (position) => change({ index: shown[position] }));
const dialog = new PatchDialog({
  state: () => server,
  columnsOf,
  onOpen: (split, index) => change({ split, index }),
  onStep: step,
  onClose: () => {
    if (view.index !== undefined) change({ index: undefined });
    byId(view.view === 'grid' ? 'grid' : 'viewer').focus();
  },
  onShowSlide: (slide) => change({ slide, view: 'slide', index: undefined }),
});

// The token has become a cookie; it has no place in the history or in a link.
history.replaceState(null, '', `${location.pathname}${location.hash}`);
byId('where').textContent = server.dir;
document.title = `pcam: ${server.dir}`;
drawTabs();
window.addEventListener('hashchange', () => {
  view = parseAddress(location.hash, names());
  draw();
});
byId('toggle-filters').addEventListener('click', () => showFilters(byId('filters').hidden === true));
showFilters(innerWidth > 720);
await draw();
if (view.view === 'grid' && view.index === undefined) byId('grid').focus({ preventScroll: true });
followScan();

function names(): SplitName[] {
  return server.splits.map(({ name }) => name);
}

function splitState(): SplitState {
  return server.splits.find(({ name }) => name === view.split)!;
}

/** Every change goes through the address, so that back and forward work. */
function change(change: Partial<ViewState>): void {
  const before = view;
  view = { ...view, ...change };
  if (change.split !== undefined && change.split !== before.split && change.slide === undefined)
    view.slide = '';
  const address = formatAddress(view);
  // Dragging the slider, or stepping through patches, is one step of the history.
  const minor = 'size' in change || (before.index !== undefined && view.index !== undefined);
  if (minor) history.replaceState(null, '', address);
  else if (address !== location.hash) history.pushState(null, '', address);
  draw();
}

async function draw(): Promise<void> {
  const turn = ++drawing;
  const split = splitState();
  const own = columnsOf(split.name);
  const key = JSON.stringify({
    ...view,
    index: 0,
    size: 0,
    view: 0,
    box: 0,
    crop: 0,
    columns: split.columns,
  });
  const indices = key === chosenBy ? shown : await choose(view, own, split);
  const [label, score] = await Promise.all(
    ['label', 'score'].map((name) => (split.columns.includes(name) ? own.read(name) : undefined)),
  );
  if (turn !== drawing) return;
  const changed = key !== chosenBy;
  [shown, chosenBy] = [indices, key];
  document.body.classList.toggle('box', view.box);
  document.body.classList.toggle('crop', view.crop);
  drawTabs();
  byId('grid').hidden = view.view !== 'grid';
  byId('slide').hidden = view.view !== 'slide';
  byId('summary').textContent = summary(split);
  if (view.view === 'grid') {
    const position =
      view.index === undefined ? (changed ? 0 : grid.position) : Math.max(0, shown.indexOf(view.index));
    grid.show(
      {
        ...{ split: split.name, indices: shown, size: view.size },
        describe: (index) => ({
          name: `${split.name} ${index}${label ? (label[index] === 1 ? ', tumor' : ', no tumor') : ''}`,
          positive: label?.[index] === 1,
          wrong: label !== undefined && score !== undefined && isWrong(score[index]!, label[index]!),
        }),
      },
      position,
    );
  } else await drawSlide(split);
  if (view.index === undefined || view.index >= split.count) dialog.close();
  else await dialog.show(split.name, view.index);
  await drawForm(turn);
}

async function drawForm(turn: number): Promise<void> {
  const split = splitState();
  const own = columnsOf(split.name);
  const [counts, perSlide] = await Promise.all([countAll(COUNTED, own, split), slideCounts(own, split)]);
  if (turn !== drawing) return;
  drawFilters(byId<HTMLFormElement>('filters'), {
    ...{ view, server, split, counts, perSlide, shown: shown.length, change },
    saveIndices,
  });
}

async function slideCounts(own: Columns, { slides }: SplitState): Promise<number[]> {
  const counts = new Array<number>(slides?.length ?? 0).fill(0);
  if (slides) for (const slide of await own.read('slide')) counts[slide]!++;
  return counts;
}

async function drawSlide(split: SplitState): Promise<void> {
  if (!split.slides || split.slides.length === 0) {
    byId('slide-facts').textContent =
      `The slides of ${split.name} are in its meta CSV, which is not in the folder.`;
    return;
  }
  // Without a choice: the slide with the most patches.
  const counts = await slideCounts(columnsOf(split.name), split);
  const largest = counts.indexOf(Math.max(...counts));
  const named = split.slides.indexOf(view.slide);
  const slide = named >= 0 ? named : largest;
  slideView ??= new SlideView((index) => change({ index }));
  await slideView.show({
    ...{ split: split.name, slide, name: split.slides[slide]!, columns: columnsOf(split.name) },
    has: (name) => split.columns.includes(name),
    ...{ tileSize: server.tileSize, box: view.box, index: view.index },
  });
}

function summary({ name, count, chosen }: SplitState): string {
  const of = chosen ?? count;
  if (shown.length === 0) return `${name}: no patch is left by these filters`;
  return shown.length === of
    ? `${name}: ${number(of)} patches${chosen === null ? '' : ', as chosen on the command line'}`
    : `${name}: ${number(shown.length)} of ${number(of)} patches`;
}

function drawTabs(): void {
  const tabs = server.splits.map(({ name }) => {
    const tab = create('button', { type: 'button', role: 'tab', 'aria-selected': name === view.split }, name);
    tab.addEventListener('click', () => change({ split: name, index: undefined }));
    return tab;
  });
  byId('splits').replaceChildren(...tabs);
  for (const tab of document.querySelectorAll<HTMLElement>('#views [role="tab"]')) {
    tab.setAttribute('aria-selected', String(tab.dataset.view === view.view));
    tab.onclick = () => change({ view: tab.dataset.view as ViewState['view'], index: undefined });
  }
}

function showFilters(visible: boolean): void {
  byId('filters').hidden = !visible;
  byId('toggle-filters').setAttribute('aria-expanded', String(visible));
}

/** The next, the previous, or the next wrong patch of the list. */
async function step(by: -1 | 1 | 'error'): Promise<void> {
  const at = view.index === undefined ? -1 : shown.indexOf(view.index);
  if (by !== 'error') {
    const index = shown[at + by];
    if (index !== undefined) change({ index });
    return;
  }
  const split = splitState();
  if (!split.columns.includes('score') || !split.columns.includes('label')) return;
  const [score, label] = [
    await columnsOf(split.name).read('score'),
    await columnsOf(split.name).read('label'),
  ];
  for (let i = at + 1; i < shown.length; i++) {
    if (isWrong(score[shown[i]!]!, label[shown[i]!]!)) return change({ index: shown[i] });
  }
}

function saveIndices(): void {
  const lines = Array.from(shown, (index) => `${view.split},${index}\n`);
  const link = create('a', {
    href: URL.createObjectURL(new Blob(lines, { type: 'text/plain' })),
    download: 'pcam-indices.txt',
  });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** What needs the scan appears as the scan gets there. */
async function followScan(): Promise<void> {
  while (server.scan.state === 'running') {
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY));
    try {
      const before = server.splits.map(({ columns }) => columns.length).join();
      server = await readState();
      if (server.splits.map(({ columns }) => columns.length).join() !== before) await draw();
      else await drawForm(drawing);
    } catch {
      byId('summary').textContent = 'The server has ended. Start `pcam browse` again.';
      return;
    }
  }
}
