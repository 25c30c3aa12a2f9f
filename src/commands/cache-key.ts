/** `pcam cache-key`. */
import { Command } from 'commander';
import { cacheKey, type Kind, type SplitName } from '../manifest/index.js';
import { addCommonOptions, type CommonOptions, type Context, optionsOf, printLine } from './context/index.js';
import { addSelectionOptions } from './options/index.js';

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
  addCommonOptions(command, context);
  return command.action(async () => {
    const options = optionsOf<CommonOptions & { split?: SplitName[]; kind?: Kind[] }>(command, context);
    const key = await cacheKey({ manifest: options.manifest, splits: options.split, kinds: options.kind });
    printLine(context.stdout, key);
  });
}
