/**
 * Makes the pictures of docs/images from a fixture: a contact sheet, and screenshots of a report and of a score.
 *
 * Usage: node scripts/images.js (after a build; needs Debian's chromium for the screenshot)
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { report, score } from '../dist/index.js';
import { drawSheet, makeData } from './lib/contact-sheet.js';
import { writePredictions } from './lib/predictions.js';

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
const CHROMIUM = '/usr/bin/chromium';
const QUIET = ['background-networking', 'component-update', 'sync', 'gpu'].map((name) => `--disable-${name}`);
/** Of the page, in px: wide enough for the contents beside the text. */
const WIDTH = 1240;
const HEIGHT = 1180;

/** @param section the one that is at the top */
async function screenshot(page, path, section) {
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
    await tab.evaluate((id) => {
      document.querySelector(id).scrollIntoView();
      // Past the last captions of the section before it.
      window.scrollBy(0, 24);
    }, section);
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
  await screenshot(page, join(IMAGES, 'report.png'), '#splits');
  const { ours, theirs } = await writePredictions(work, data);
  const scores = { file: ours.test, valid: ours.valid, compare: theirs.test, compareValid: theirs.valid };
  await score({ ...data, ...scores, out: page });
  await screenshot(page, join(IMAGES, 'score.png'), '#curves');
} finally {
  await rm(work, { recursive: true, force: true });
}
