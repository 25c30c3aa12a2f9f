/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The report in a real browser: quiet, alone, and fit for phone, desktop, dark rooms and paper. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { report } from '#pcam/explore/report/report.js';
import { makeDataset } from '../../support/dataset.js';
import { sharedFolder } from '../../support/temp.js';
import { requireTool } from '../../support/tools.js';

const executablePath = await requireTool('chromium');
/** Where pictures of the report go, for people to look at; a folder. */
const SHOTS = process.env.PCAM_SHOTS;
const QUIET = ['background-networking', 'component-update', 'sync', 'gpu'].map((name) => `--disable-${name}`);

describe.skipIf(!executablePath)('Chromium', () => {
  let root: { folder: string; remove: () => Promise<void> };
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    root = await sharedFolder();
    const { dir, manifest } = await makeDataset({ train: 160, valid: 64, test: 64, root: root.folder });
    const out = join(root.folder, 'report.html');
    await report({ dir, manifest, out });
    url = pathToFileURL(out).href;
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--no-first-run', ...QUIET] });
  });
  afterAll(async () => {
    await browser?.close();
    await root?.remove();
  });

  interface View {
    width: number;
    colorScheme: 'light' | 'dark';
  }

  /** Everything that the page complains about or asks for goes into `noise`. */
  async function withPage<T>({ width, colorScheme }: View, look: (page: Page) => Promise<T>): Promise<T> {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    try {
      const page = await context.newPage();
      const noise: string[] = [];
      page.on('console', (message) => noise.push(`${message.type()}: ${message.text()}`));
      page.on('pageerror', (error) => noise.push(String(error)));
      page.on('request', (request) => {
        if (request.url() !== url && !request.url().startsWith('data:')) noise.push(request.url());
      });
      await page.goto(url);
      const result = await look(page);
      expect(noise).toEqual([]);
      return result;
    } finally {
      await context.close();
    }
  }

  async function keepPicture(page: Page, { width, colorScheme }: View): Promise<void> {
    const path = SHOTS && join(SHOTS, `report-${width}-${colorScheme}.png`);
    if (path) await page.screenshot({ path, fullPage: true });
  }

  const VIEWS = [
    { width: 320, colorScheme: 'light' },
    { width: 390, colorScheme: 'light' },
    { width: 390, colorScheme: 'dark' },
    { width: 768, colorScheme: 'light' },
    { width: 1280, colorScheme: 'light' },
    { width: 1280, colorScheme: 'dark' },
  ] as const;

  it.each(VIEWS)('shows it $width px wide in $colorScheme, with nothing cut off', async (view) => {
    await withPage(view, async (page) => {
      await keepPicture(page, view);
      const found = await page.evaluate(() => {
        const root = document.documentElement;
        const broken = [...document.images].filter((image) => image.naturalWidth === 0).length;
        const cut = [...document.querySelectorAll('.loading pre')].filter(
          (code) => code.scrollWidth > code.clientWidth,
        ).length;
        // The long lists of slides, which are folded, may scroll.
        const tables = [...document.querySelectorAll('.scroll, .data')]
          .filter((table) => !table.closest('details') && table.scrollWidth > table.clientWidth)
          .map((table) => table.textContent);
        return { scroll: root.scrollWidth, cut, tables, broken, images: document.images.length };
      });
      // On a phone, code scrolls; on a desktop there is place for it.
      if (view.width >= 1280) expect(found.cut).toBe(0);
      expect(found.scroll).toBeLessThanOrEqual(view.width);
      expect(found.tables).toEqual([]);
      expect(found.broken).toBe(0);
      expect(found.images).toBeGreaterThan(40);
    });
  });

  it.each(['light', 'dark'] as const)(
    'has text that can be read in %s: 4.5 to 1 or more',
    async (colorScheme) => {
      const faint = await withPage({ width: 1280, colorScheme }, (page) => page.evaluate(faintTexts));
      expect(faint).toEqual([]);
    },
  );

  it('has a dark page in dark and a light one in light', async () => {
    const paper = (colorScheme: 'light' | 'dark') =>
      withPage({ width: 390, colorScheme }, (page) =>
        page.evaluate(() => getComputedStyle(document.body).backgroundColor),
      );
    expect(await paper('light')).toBe('rgb(250, 249, 247)');
    expect(await paper('dark')).toBe('rgb(21, 19, 26)');
  });

  it('is easy to navigate: landmarks, headings without gaps, names that are unique', async () => {
    await withPage({ width: 1280, colorScheme: 'light' }, async (page) => {
      const found = await page.evaluate(() => ({
        levels: [...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1])),
        ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
        landmarks: ['header', 'nav', 'main', 'footer'].map((name) => document.querySelectorAll(name).length),
        lang: document.documentElement.lang,
        anchors: [...document.querySelectorAll('a[href^="#"]')].every((a) =>
          document.querySelector(a.getAttribute('href')!),
        ),
        unnamed: [...document.querySelectorAll('table:not(:has(caption))')].filter(
          (table) => !table.closest('[aria-label]'),
        ).length,
      }));
      expect(found.levels[0]).toBe(1);
      for (const [i, level] of found.levels.slice(1).entries())
        expect(level - found.levels[i]!).toBeLessThanOrEqual(1);
      expect(new Set(found.ids).size).toBe(found.ids.length);
      expect(found).toMatchObject({ landmarks: [1, 1, 1, 1], lang: 'en', anchors: true, unnamed: 0 });
      // The first stop of the keyboard leads past the contents.
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('href'))).toBe('#content');
    });
  });

  it('can be printed', async () => {
    await withPage({ width: 1280, colorScheme: 'dark' }, async (page) => {
      const pdf = await page.pdf({ path: SHOTS && join(SHOTS, 'report.pdf'), format: 'A4' });
      expect(pdf.subarray(0, 4).toString()).toBe('%PDF');
      await page.emulateMedia({ media: 'print' });
      const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(paper).toBe('rgb(255, 255, 255)');
    });
  });
});

/** Texts whose colour is too near to what is behind them (WCAG 2.1, 1.4.3). Runs in the page. */
function faintTexts(): string[] {
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: readonly number[]) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const c = value / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element: Element): number[] => {
    const layers: number[][] = [];
    for (let at: Element | null = element; at; at = at.parentElement)
      layers.push(channels(getComputedStyle(at).backgroundColor));
    let colour = [255, 255, 255];
    for (const [r, g, b, alpha = 1] of layers.reverse()) {
      colour = [r!, g!, b!].map((value, i) => value * alpha + colour[i]! * (1 - alpha));
    }
    return colour;
  };
  const faint = new Set<string>();
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(
      (node) => node.nodeType === 3 && node.textContent!.trim() !== '',
    );
    if (!own || element.closest('svg, script, style, .skip')) continue;
    const [one, other] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) faint.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...faint];
}
