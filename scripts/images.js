/**
 * Makes the pictures of docs/images from a fixture: a contact sheet, and a screenshot of a report.
 *
 * Usage: node scripts/images.js (after a build; needs Debian's chromium for the screenshot)
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { report } from '../dist/index.js';
import { drawSheet, makeData } from './lib/contact-sheet.js';

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
const CHROMIUM = '/usr/bin/chromium';
const QUIET = ['background-networking', 'component-update', 'sync', 'gpu'].map((name) => `--disable-${name}`);
/** Of the page, in px: wide enough for the contents beside the text. */
const WIDTH = 1240;
const HEIGHT = 1180;

async function screenshot(page, path) {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--no-first-run', ...QUIET],
  });
  try {
    const context = await browser.newContext({
      viewport: { width: WIDTH, height: HEIGHT },
      colorScheme: 'light',
      deviceScaleFactor: 0.75,
    });
    const tab = await context.newPage();
    await tab.goto(pathToFileURL(page).href);
    await tab.evaluate(() => {
      document.querySelector('#splits').scrollIntoView();
      // Past the last captions of the section before it.
      window.scrollBy(0, 24);
    });
    await tab.screenshot({ path });
  } finally {
    await browser.close();
  }
}

const work = await mkdtemp(join(tmpdir(), 'pcam-images-'));
try {
  await mkdir(IMAGES, { recursive: true });
  const data = await makeData(work);
  await drawSheet(data, join(IMAGES, 'contact-sheet.png'));
  const page = join(work, 'report.html');
  await report({ ...data, out: page });
  await screenshot(page, join(IMAGES, 'report.png'));
} finally {
  await rm(work, { recursive: true, force: true });
}
