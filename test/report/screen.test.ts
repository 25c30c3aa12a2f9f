/** Bars on the screen of a real terminal: no row is wider than it, and nothing is left behind a notice. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeDataset } from '../support/dataset.js';
import { PCAM, startPcam } from '../support/process.js';
import { hasTmux, Screen } from '../support/screen.js';
import { temporaryFolder } from '../support/temp.js';

const SCRIPT = fileURLToPath(new URL('../support/bars.mjs', import.meta.url));
const COMMAND = `stty -echo; printf ready; exec '${process.execPath}' '${SCRIPT}'`;

/** Rows of bars: those with a name and brackets, or a percentage at the end. */
const isBar = (row: string) => /^(train_x|valid_x|test_meta|\d of 3 files)/.test(row);

async function started(columns: number): Promise<Screen> {
  const screen = new Screen(COMMAND, columns);
  await screen.shows(/ready/);
  screen.press('begin move', 'Enter');
  await screen.shows(/of 3 files/);
  return screen;
}

describe.skipIf(!hasTmux).each([40, 60, 80, 120, 200])('%i columns', (columns) => {
  it('a notice leaves no piece of a bar behind, and the rows fit', async () => {
    using screen = await started(columns);
    screen.press('notice', 'Enter');
    await screen.shows(/later\.\)[\s\S]*files/);
    let rows = screen.rows({ history: true });
    const wide = rows.filter((row) => row.length >= columns);
    expect(wide).toEqual([]);
    const text = rows.filter((row) => !isBar(row));
    // Every other row is our text, whole.
    expect(text.map((row) => row.trim()).join(' ')).toBe(
      "gdrive: pausing for 8 s (the server answered 429 with a page that is called 'Google Drive - Quota exceeded': " +
        'Too many users have viewed or downloaded this file recently. Please try accessing the file again later.)',
    );
    expect(rows.filter(isBar)).toHaveLength(4);
    screen.press('finish', 'Enter');
    rows = await screen.shows(/downloaded,\s+1.23 kB in\s+3\s+s[\s\S]*1 of 3 files/);
    expect(rows.filter((row) => /^\d of 3 files/.test(row))).toHaveLength(1);
    screen.press('stop say', 'Enter');
    rows = await screen.shows(/over/);
    expect(rows.at(-1)).toBe('over');
    expect(rows.filter((row) => row.includes('['))).toEqual([]);
  });
});

describe.skipIf(!hasTmux)('a terminal whose size changes', () => {
  it.each([
    [120, 50],
    [80, 40],
    [60, 200],
  ])('from %i to %i columns keeps one row per bar', async (before, after) => {
    using screen = await started(before);
    screen.resize(after);
    screen.press('move verify', 'Enter');
    await screen.shows(after > 45 ? /verifying/ : /of 3 files/);
    // The terminal may tell of its size after the keys; a row that is left behind never goes away.
    const fits = () => screen.rows().flatMap((row) => (row === '' ? [] : [row.length < after]));
    await expect.poll(fits, { timeout: 10_000 }).toEqual([true, true, true, true]);
    screen.press('stop say', 'Enter');
    await screen.shows(/over/);
    expect(screen.rows()).toEqual(['over']);
  });
});

describe.skipIf(!hasTmux)('a window that shrinks and grows', () => {
  it.each([
    ['in height', 80, 80, 3],
    ['in width', 100, 70, 24],
  ])('%s keeps one row per bar, and the text above', async (_, wide, narrow, low) => {
    using screen = new Screen(`seq 101 130; ${COMMAND}`, wide);
    await screen.shows(/ready/);
    // Without a speed the rows stay as they are: nothing is drawn until tmux has told the program of a size.
    screen.press('begin', 'Enter');
    await screen.shows(/of 6\.40[\s\S]*of 3 files/);
    const rows = () => screen.rows({ history: true }).filter((row) => row !== '');
    const bars = (all: string[]) => all.filter((row) => /[\]%]/.test(row));
    screen.resize(narrow, low);
    // tmux tells the program of a size some time after it took it.
    const shown = Math.min(4, Math.max(1, low - 4));
    const fits = () => bars(screen.rows()).map((row) => row.length < narrow);
    await expect.poll(fits, { timeout: 10_000 }).toEqual(Array(shown).fill(true));
    screen.resize(wide);
    screen.press('verify', 'Enter');
    await screen.shows(/verifying/);
    const last = [/^129$/, /^130$/, /^train_x/, /^valid_x/, /^test_meta/, /^0 of 3/];
    await expect
      .poll(() => rows().slice(-6), { timeout: 10_000 })
      .toEqual(last.map((row) => expect.stringMatching(row)));
    expect(bars(rows())).toHaveLength(4);
  });
});

describe.skipIf(!hasTmux)('statistics', () => {
  it.each([40, 80, 200])(
    'sum up all splits in the last row, of %i columns, until the scans are done',
    async (columns) => {
      using screen = new Screen(COMMAND, columns);
      await screen.shows(/ready/);
      screen.press('scan', 'Enter');
      const rows = await screen.shows(/^valid[^\n]*\n1 of 3 splits/m);
      expect(rows.filter((row) => row !== '')).toHaveLength(2);
      expect(rows.at(-1)).toMatch(/^1 of 3 splits +\[=+ +\] +50%/);
      expect(Math.max(...rows.map((row) => row.length))).toBeLessThan(columns);
      screen.press('means', 'Enter');
      await screen.shows(/^mean of train[^\n]*$/);
      screen.press('stop say', 'Enter');
      await screen.shows(/over/);
      expect(screen.rows()).toEqual(['over']);
    },
  );

  it('leave text of at most 80 columns, and no bar', async () => {
    const data = await makeDataset({ train: 60, valid: 30, test: 30 });
    const words = [
      'stats',
      '--dir',
      data.dir,
      '--manifest',
      join(data.dir, '..', 'archives', 'manifest.json'),
    ];
    using screen = new Screen(
      [process.execPath, PCAM, ...words].map((word) => `'${word}'`).join(' '),
      80,
      60,
    );
    await screen.shows(/with pictures:\n +\S/);
    // Once the command has ended, tmux says so in a row of its own, and the first one is off the screen.
    const rows = screen.rows({ history: true });
    expect(rows[0]).toMatch(/^manifest: /);
    expect(rows[1]).toMatch(/^split +patches +positive/);
    const end = rows.findIndex((row) => row.startsWith('The same with pictures'));
    const text = rows.slice(1, end);
    expect(text.filter((row) => row.length > 79)).toEqual([]);
    expect(text.filter((row) => /%$|\[=/.test(row))).toEqual([]);
    expect(text.filter((row) => row.startsWith('transforms.Normalize(mean=['))).toHaveLength(2);
  });
});

it.skipIf(!hasTmux)('Ctrl-C leaves no bar behind', async () => {
  const folder = await temporaryFolder();
  const fixture = ['fixture', 'f', '--train', '120', '--valid', '60', '--test', '60'];
  expect((await startPcam(fixture, { cwd: folder }).ended).code).toBe(0);
  const words = ['download', '--limit-rate', '400k', '--manifest', join(folder, 'f', 'manifest.json')];
  const command = [process.execPath, PCAM, ...words, '--dir', join(folder, 'pcam')];
  using screen = new Screen(command.map((word) => `'${word}'`).join(' '), 80);
  await screen.shows(/of 9 files/);
  screen.press('C-c');
  await screen.shows(/stopped by Ctrl-C/);
  // Once the command has ended, tmux says so in a row of its own, and the first one is off the screen.
  const rows = screen.rows({ history: true });
  expect(rows.filter((row) => /\[=* *\]/.test(row))).toEqual([]);
  expect(rows.join('\n')).toContain('Stopping… press Ctrl-C again to quit now');
});
