/** `pcam info` and `pcam cache-key`: what the manifest says, without a look at the network. */
import { Command } from 'commander';
import { formatBytes, printable } from '../core/index.js';
import { cacheKey, info } from '../info/index.js';
import type { Kind, SplitName } from '../manifest/index.js';
import { table } from '../report/index.js';
import {
  addCommonOptions,
  type CommonOptions,
  type Context,
  optionsOf,
  printJson,
  printLine,
} from './context.js';
import { addSelectionOptions } from './parsers.js';

export function infoCommand(context: Context): Command {
  const command = new Command('info')
    .summary('show the files, their digests and sources, and their state in the folder')
    .description(
      'Shows the files of the manifest: size, digests, sources, and their state in the data set folder.',
    )
    .option('--json', 'print one JSON document on stdout')
    .addHelpText(
      'after',
      `
State in the folder, by receipts and names alone (pcam verify reads the files):
  verified, unverified, archive (not decompressed), partial, missing
`,
    );
  addCommonOptions(command, context);
  return command.action(async () => {
    const { json, dir, manifest } = optionsOf<CommonOptions & { json?: boolean }>(command);
    const result = await info({ dir, manifest });
    if (json) return printJson(context, result);
    const rows = result.files.map((file) => [
      file.name,
      file.bytes === null ? '?' : formatBytes(file.bytes),
      file.md5,
      file.sources.join(' ') || '-',
      file.state,
    ]);
    const head = ['file', 'size', 'md5', 'sources', `state in ${dir}`];
    printLine(context.stdout, table([head, ...rows], { right: [1] }));
    for (const { id, type, baseUrl, record } of result.sources) {
      printLine(
        context.stdout,
        `source ${id}: ${type}, ${printable(baseUrl)}${record ? ` record ${record}` : ''}`,
      );
    }
    const [license, citation] = [result.license ?? '?', result.citation.join(', ') || '?'];
    printLine(context.stdout, `license ${printable(license)}; cite ${printable(citation)}`);
  });
}

export function cacheKeyCommand(context: Context): Command {
  const command = addSelectionOptions(new Command('cache-key'))
    .summary('print a key for a CI cache')
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
    const options = optionsOf<CommonOptions & { split?: SplitName[]; kind?: Kind[] }>(command);
    const key = await cacheKey({ manifest: options.manifest, splits: options.split, kinds: options.kind });
    printLine(context.stdout, key);
  });
}
