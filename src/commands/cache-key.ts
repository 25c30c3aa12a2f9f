/** `pcam cache-key`. */
import { Command } from 'commander';
import { cacheKey, type Kind, type SplitName } from '../manifest/index.js';
import { type CommonOptions, type Context, printLine, withAction } from './context/index.js';
import { addSelectionOptions } from './options/index.js';

interface Options extends CommonOptions {
  split?: SplitName[];
  kind?: Kind[];
}

export function cacheKeyCommand(context: Context): Command {
  const command = addSelectionOptions(new Command('cache-key'))
    .description(
      'Prints one line for a CI cache. It changes when, and only when, the bytes that `pcam download` with the same --split and --kind leaves in the folder would.',
    )
    .addHelpText(
      'after',
      `
Example (GitHub Actions):
  - id: key
    run: echo "key=$(npx pcam cache-key --split valid)" >> "$GITHUB_OUTPUT"
  - uses: actions/cache@v4
    with: { path: pcam, key: "\${{ steps.key.outputs.key }}" }
  - run: npx pcam download --split valid
`,
    );
  return withAction<Options>(command, context, run);
}

async function run({ manifest, split, kind }: Options, { stdout }: Context): Promise<void> {
  printLine(stdout, await cacheKey({ manifest, splits: split, kinds: kind }));
}
