/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The page of browse in a real browser, on a real folder. */
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browsing, browse } from '#pcam/browse/browse.js';
import { openSplit } from '#pcam/dataset/index.js';
import { makeDataset, type TestDataset } from '../support/dataset.js';
import { decodePng } from '../support/png.js';
import { sharedFolder } from '../support/temp.js';
import { requireTool } from '../support/tools.js';

const executablePath = await requireTool('chromium');
/** Where pictures of the page go, for people to look at; a folder. */
const SHOTS = process.env.PCAM_SHOTS;
const QUIET = ['background-networking', 'component-update', 'sync', 'gpu', 'quic'].map(
  (name) => `--disable-${name}`,
);
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

describe.skipIf(!executablePath)('the page of browse', () => {
  let root: { folder: string; remove: () => Promise<void> };
  let dataset: TestDataset;
  let server: Browsing;
  let browser: Browser;
  let context: BrowserContext;
  let noise: string[];

  beforeAll(async () => {
    root = await sharedFolder();
    dataset = await makeDataset({ train: 700, valid: 64, test: 64, root: root.folder });
    const scores = join(root.folder, 'scores.csv');
    const rows = Array.from({ length: 64 }, (_, i) => `test,${i},${i / 63}\n`);
    await writeFile(scores, `split,index,probability\n${rows.join('')}`);
    server = await browse({ ...dataset, scores });
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--no-first-run', ...QUIET] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await root?.remove();
  });

  async function open(
    hash = '',
    options: { width?: number; colorScheme?: 'light' | 'dark' } = {},
  ): Promise<Page> {
    const { width = 1000, colorScheme = 'light' } = options;
    context = await browser.newContext({ viewport: { width, height: 700 }, colorScheme });
    const page = await context.newPage();
    noise = [];
    page.on('console', (message) => noise.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => noise.push(String(error)));
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== new URL(server.url).origin) noise.push(request.url());
    });
    await page.goto(server.url + hash);
    await page.waitForSelector('.cell, #viewer canvas, .patch');
    // The scan of so few patches takes a moment.
    await page.waitForSelector('#filter-copies-repeated:not(:disabled)', { state: 'attached' });
    return page;
  }

  async function close(): Promise<void> {
    await context.close();
    expect(noise).toEqual([]);
  }

  const cells = (page: Page) =>
    page.$$eval('.cell', (elements) =>
      elements.map(
        (e) => [(e as HTMLElement).dataset.split, Number((e as HTMLElement).dataset.index)] as const,
      ),
    );

  it('shows patches whose pixels are exact, and takes the token out of the address', async () => {
    const page = await open();
    expect(page.url()).not.toContain('token');
    const shown = await cells(page);
    expect(shown).toContainEqual(['train', 0]);
    const split = await openSplit({ ...dataset, split: 'train' });
    const origin = new URL(server.url).origin;
    for (const index of [0, 17, 699]) {
      const reply = await page.request.get(`${origin}/patch/train/${index}.png`);
      expect(reply.headers()['content-type']).toBe('image/png');
      const pixels = Buffer.from(split.readPatches(index, index + 1));
      expect(Buffer.compare(pixels, decodePng(await reply.body()).pixels)).toBe(0);
    }
    split.close();
    for (const path of ['train/700', 'train/-1', 'train/x', 'nothing/0', 'train/1e2'])
      expect((await page.request.get(`${origin}/patch/${path}.png`)).status()).toBe(404);
    await close();
  });

  it('moves with the arrow keys, opens a patch by Enter and goes back', async () => {
    const page = await open('#split=valid');
    await page.focus('#grid');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    const index = await page.$eval('.cell.current', (e) => Number((e as HTMLElement).dataset.index));
    expect(index).toBeGreaterThan(1);
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open] h2');
    expect(new URL(page.url()).hash).toContain(`index=${index}`);
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction((expected) => location.hash.includes(`index=${expected}`), index + 1);
    await page.goBack();
    await page.waitForSelector('dialog:not([open])', { state: 'attached' });
    await close();
  });

  it('opens the patch that the address names', async () => {
    const page = await open('#split=test&index=17');
    await page.waitForSelector('dialog[open] [data-split="test"][data-index="17"]');
    const text = await page.innerText('dialog');
    expect(text).toContain('test_000017');
    expect(text).toContain('camelyon16_test');
    await close();
  });

  it('filters by label, copies and scores, with the count beside each, and keeps the view in the address', async () => {
    const page = await open('#split=train');
    const labels = await openSplit({ ...dataset, split: 'train' });
    const positive = labels.labels.reduce((sum, label) => sum + label, 0);
    labels.close();
    expect(await page.innerText('label:has(#filter-label-1) .count')).toBe(String(positive));
    await page.click('#filter-label-1');
    await page.waitForFunction(
      (n) => document.getElementById('summary')!.textContent!.includes(`${n} of 700`),
      positive,
    );
    expect(new URL(page.url()).hash).toContain('label=1');
    await page.click('#filter-copies-repeated');
    await page.waitForFunction(() => location.hash.includes('copies=repeated'));
    const kept = await cells(page);
    expect(kept.length).toBeGreaterThan(0);
    await page.reload();
    await page.waitForSelector('.cell');
    expect(await cells(page)).toEqual(kept);
    await page.goto(`${new URL(server.url).origin}/#split=test&score=wrong`);
    await page.waitForFunction(() => document.getElementById('summary')!.textContent!.startsWith('test'));
    expect(await page.$$eval('.cell:not(.wrong)', (found) => found.length)).toBe(0);
    await close();
  });

  it('scrolls from end to end without a jump, and holds only what is visible', async () => {
    const page = await open('#split=train&size=48');
    await page.focus('#grid');
    await page.keyboard.press('End');
    await page.waitForSelector('.cell[data-index="699"]');
    expect((await cells(page)).length).toBeLessThan(500);
    await page.keyboard.press('Home');
    await page.waitForSelector('.cell[data-index="0"]');
    await close();
  });

  it('shows a slide at its coordinates', async () => {
    const page = await open('#split=train&view=slide');
    await page.waitForFunction(() =>
      document.getElementById('slide-facts')!.textContent!.includes('patches'),
    );
    await page.waitForSelector('#viewer canvas');
    await close();
  });

  it.each([
    ['light', 390],
    ['dark', 1280],
    ['light', 3840],
  ] as const)('is readable and can be used by everybody: %s, %i px', async (colorScheme, width) => {
    for (const hash of ['#split=train', '#split=train&index=1', '#split=valid&view=slide']) {
      const page = await open(hash, { width, colorScheme });
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      // As a string, the page's security policy would not let it in.
      await page.evaluate(await readFile(AXE, 'utf8'));
      const violations = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
      });
      expect(violations).toEqual([]);
      if (SHOTS)
        await page.screenshot({
          path: `${SHOTS}/browse-${colorScheme}-${width}-${hash.replace(/\W+/g, '-')}.png`,
        });
      await close();
    }
  });
});
