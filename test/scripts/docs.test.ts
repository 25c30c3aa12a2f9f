/** What README and docs say can be done as it is written: links lead somewhere, commands and options exist, versions are this one. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from '#pcam/commands/environment.js';
import { createProgram } from '#pcam/commands/program.js';
import { drawSheet, makeData } from '../../scripts/lib/contact-sheet.js';
import { temporaryFolder } from '../support/temp.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const docs = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'bench/README.md',
  'test/README.md',
  ...docs.map((name) => `docs/${name}`),
];

const program = await createProgram({ env: readEnvironment({}, '') } as never);
const packageJson = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));

/** `pcam …` in code blocks and in code within the text, one command each. */
function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```/gm)].map(([, block]) => block!);
  const inline = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`]+)`/g)].map(([, code]) =>
    code!.replace(/\s+/g, ' '),
  );
  const lines = [...blocks.join('\n').replaceAll('\\\n', ' ').split('\n'), ...inline];
  return lines.flatMap((line) =>
    [
      ...line.matchAll(
        /(?:^|[\s("'`$])(?:npx (?:--yes )?)?pcam(?:@[\d.]+)? ((?:[a-z][a-z-]*|--?[a-z])\b[^#|>;)"`]*)/g,
      ),
    ].map(([, words]) => words!.split('  ')[0]!.trim()),
  );
}

/** The words of a command that the command line does not know. */
function unknownIn(words: string): string[] {
  const [name = '', ...rest] = words.split(/\s+/);
  if (name.startsWith('-')) return [];
  const command = program.commands.find((one) => one.name() === name);
  if (!command) return name === 'help' ? [] : [name];
  const known = new Set(flagsOf(program).concat(flagsOf(command)));
  const typed = rest
    .map((word) => word.replace(/=.*/, '').replace(/[.,']+$/, ''))
    .filter((word) => /^--?[a-z]/i.test(word));
  return typed.filter((flag) => !known.has(flag)).map((flag) => `${name} ${flag}`);
}

function flagsOf(command: Command): string[] {
  return ['--help', '-h', ...command.options.flatMap(({ short, long }) => [short ?? '', long ?? ''])];
}

describe.each(PAGES)('%s', (page) => {
  it('has links that lead somewhere, commands that exist and the version of this package', async () => {
    const text = await readFile(join(ROOT, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!.replace(/#.*/, ''));
    const local = links.filter((link) => link !== '' && !/^[a-z]+:/.test(link));
    expect(local.filter((link) => !existsSync(join(ROOT, dirname(page), link)))).toEqual([]);
    // Generated from the definitions, with prose in its code blocks.
    if (page !== 'docs/options.md') expect(commandsIn(text).flatMap(unknownIn)).toEqual([]);
    const versions = [...text.matchAll(/\bpcam@(\d[\d.]*)/g)].map(([, version]) => version);
    expect(versions.filter((version) => version !== packageJson.version)).toEqual([]);
  });
});

it('finds commands where they are, and what is wrong with them', () => {
  const text =
    'Run `pcam download --splt valid`.\n```sh\n$ pcam verify --fix   # or\nnpx --yes pcam@1.2.3 exprt --format png\n```\n';
  expect(commandsIn(text)).toEqual(['verify --fix', 'exprt --format png', 'download --splt valid']);
  expect(commandsIn(text).flatMap(unknownIn)).toEqual(['exprt', 'download --splt']);
});

it('the contact sheet of the README is what the code draws (node scripts/images.js)', async () => {
  const work = await temporaryFolder();
  const out = join(work, 'sheet.png');
  await drawSheet(await makeData(work), out);
  const [drawn, shown] = await Promise.all(
    [out, join(ROOT, 'docs/images/contact-sheet.png')].map((path) => readFile(path)),
  );
  expect(drawn!.equals(shown!)).toBe(true);
});
