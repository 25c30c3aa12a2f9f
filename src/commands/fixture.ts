/** `pcam fixture`. */
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { count, DEFAULTS, formatBytes, LIMITS } from '../core/index.js';
import {
  type CommonOptions,
  type Context,
  printJson,
  printMessage,
  withAction,
  withProgress,
} from './context.js';
import { printNext } from './hints.js';
import { addOutputOptions, whole } from './options.js';

interface Options extends CommonOptions {
  train: number;
  valid: number;
  test: number;
  seed: number;
  force?: boolean;
  json?: boolean;
}

const EXAMPLES = `
The same seed gives the same bytes. Example, with no server at all:
  pcam fixture small --train 64 --valid 32 --test 32
  pcam download --manifest small/manifest.json --dir data/pcam
`;

export function fixtureCommand(context: Context): Command {
  const patches = whole(LIMITS.fixturePatches);
  const command = new Command('fixture')
    .description(
      'Makes a small synthetic PCam: nine files with the upstream names and layout, and a manifest.json whose only source is the folder itself.',
    )
    .argument('<folder>', 'where to put it')
    .option('--train <n>', 'patches of the train split', patches, DEFAULTS.fixture.train)
    .option('--valid <n>', 'patches of the valid split', patches, DEFAULTS.fixture.valid)
    .option('--test <n>', 'patches of the test split', patches, DEFAULTS.fixture.test)
    .option('--seed <n>', 'a whole number', whole(LIMITS.seed), DEFAULTS.fixture.seed)
    .option('--force', 'replace a fixture with other numbers or another seed')
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(addOutputOptions(command), context, run);
}

async function run(options: Options, context: Context, [folder = '']: readonly string[]): Promise<void> {
  const { train, valid, test, seed, force, json } = options;
  const { createFixture } = await import('../fixture/fixture.js');
  const made = await withProgress(context, { json }, (onEvent) =>
    createFixture({ dir: resolve(folder), train, valid, test, seed, force, signal: context.signal, onEvent }),
  );
  if (json) return printJson(context, { ok: true, ...made });
  const bytes = made.files.reduce((sum, file) => sum + file.bytes, 0);
  const files = count(made.files.length, 'file');
  printMessage(
    context,
    `${files} and manifest.json in ${folder}: ${count(train + valid + test, 'patch')}, ${formatBytes(bytes)}.`,
  );
  const own = {
    ...context,
    given: { dir: join(`${folder}-data`, 'pcam'), manifest: join(folder, 'manifest.json') },
  };
  printNext(own, 'Download from it', { command: 'download' });
}
