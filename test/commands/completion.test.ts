/** The completion scripts, in the shells that they are for. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FORMATS } from '#pcam/export/formats/index.js';
import { runPcam } from '../support/in-process.js';
import { sharedFolder } from '../support/temp.js';
import { requireTool, runTool } from '../support/tools.js';

const bash = await requireTool('bash');
const zsh = await requireTool('zsh');
const fish = await requireTool('fish');
const FORMAT_NAMES = [...new Set(FORMATS.map(({ format }) => format))].sort();

let root: { folder: string; remove: () => Promise<void> };
beforeAll(async () => {
  root = await sharedFolder();
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await runPcam(['completion', shell]);
    expect(code).toBe(0);
    await writeFile(join(root.folder, shell), stdout);
  }
});
afterAll(() => root.remove());

const scriptFor = (shell: string) => join(root.folder, shell);

describe.skipIf(!bash)('bash', () => {
  /** What bash offers where `words` end; they are what it takes for words, so `=` is one. */
  async function offers(...words: string[]): Promise<string[]> {
    const line = words.map((word) => `'${word}'`).join(' ');
    const text = `source ${scriptFor('bash')}; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _pcam; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const lines = await runTool(bash!, ['--norc', '--noprofile', '-u', '-c', text]);
    return lines.split('\n').filter(Boolean).sort();
  }

  it('completes commands, options and their values', async () => {
    expect(await offers('pcam', 'ex')).toEqual(['export']);
    expect(await offers('pcam', '--dir', 'x', 'veri')).toEqual(['verify']);
    expect(await offers('pcam', 'help', 'inf')).toEqual(['info']);
    expect(await offers('pcam', 'export', '--format', '')).toEqual(FORMAT_NAMES);
    expect(await offers('pcam', 'export', '--format', '=', 'tf')).toEqual(['tfrecord']);
    expect(await offers('pcam', 'export', '--format', '=')).toEqual(FORMAT_NAMES);
    expect(await offers('pcam', 'export', '--lay')).toEqual(['--layout']);
    expect(await offers('pcam', 'completion', '')).toEqual(['bash', 'fish', 'zsh']);
  });

  it('completes the next of a list, and none twice', async () => {
    expect(await offers('pcam', 'download', '--split', 'va')).toEqual(['valid']);
    expect(await offers('pcam', 'download', '--kind', 'labels,')).toEqual(['labels,images', 'labels,meta']);
  });

  it('is bound to pcam', async () => {
    const text = `source ${scriptFor('bash')}; complete -p pcam`;
    expect(await runTool(bash!, ['--norc', '-c', text])).toContain('-F _pcam pcam');
  });
});

describe.skipIf(!zsh)('zsh', () => {
  it('completes commands, options, values and lists on a terminal', async () => {
    const expected = {
      'pcam expo': 'pcam export',
      'pcam --dir x veri': 'pcam --dir x verify',
      'pcam export --format tf': 'pcam export --format tfrecord',
      'pcam export --format=par': 'pcam export --format=parquet',
      'pcam export --lay': 'pcam export --layout=',
      'pcam download --split va': 'pcam download --split valid,',
      'pcam download --split train,va': 'pcam download --split train,valid,',
      'pcam completion fi': 'pcam completion fish',
    };
    const script = join(import.meta.dirname, 'complete.zsh');
    const args = ['-f', script, scriptFor('zsh'), root.folder, ...Object.keys(expected)];
    const lines = (await runTool(zsh!, args)).trimEnd().split('\n');
    expect(lines.map((line) => line.trim())).toEqual(Object.values(expected));
  });
});

describe.skipIf(!fish)('fish', () => {
  async function offers(line: string): Promise<string[]> {
    const text = `source ${scriptFor('fish')}; complete -C '${line}'`;
    const lines = await runTool(fish!, ['--no-config', '-c', text]);
    return lines
      .split('\n')
      .filter(Boolean)
      .map((offer) => offer.split('\t')[0]!)
      .sort();
  }

  it('completes commands, options, values, lists and folders', async () => {
    await mkdir(join(root.folder, 'data'));
    expect(await offers('pcam expo')).toEqual(['export']);
    expect(await offers('pcam export --format ')).toEqual(FORMAT_NAMES);
    expect(await offers('pcam export --lay')).toEqual(['--layout']);
    expect(await offers('pcam download --split va')).toEqual(['valid']);
    expect(await offers('pcam download --kind labels,i')).toEqual(['labels,images']);
    expect(await offers('pcam completion ')).toEqual(['bash', 'fish', 'zsh']);
    expect(await offers(`pcam verify --dir ${root.folder}/`)).toEqual([`${root.folder}/data/`]);
  });
});

it('says which shells there are', async () => {
  const { code, stderr } = await runPcam(['completion', 'fsh']);
  expect(code).toBe(2);
  expect(stderr).toContain('bash, zsh, fish');
});
