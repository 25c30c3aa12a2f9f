/** `pcam cache-key`. */
import { Command } from 'commander';
import { cacheKey } from '../manifest/index.js';
import { type Context, chooseManifest, type FileOptions, printOutput, withAction } from './context.js';
import { addFileOptions } from './options.js';

export function cacheKeyCommand(context: Context): Command {
  const command = addFileOptions(new Command('cache-key'))
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
  return withAction<FileOptions>(command, context, run);
}

async function run(options: FileOptions, context: Context): Promise<void> {
  const { split, kind } = options;
  const manifest = await chooseManifest(context, options);
  printOutput(context, await cacheKey({ manifest, splits: split, kinds: kind }));
}
