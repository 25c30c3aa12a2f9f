/** `pcam info`: what the manifest says, without a look at the network. */
import { Command } from 'commander';
import { formatBytes, printable } from '../core/index.js';
import {
  addCommonOptions,
  type CommonOptions,
  type Context,
  optionsOf,
  printJson,
  printLine,
} from './context/index.js';

export function infoCommand(context: Context): Command {
  const command = new Command('info')
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
    const [{ info }, { table }] = await Promise.all([
      import('../info/index.js'),
      import('../report/index.js'),
    ]);
    const { json, dir, manifest } = optionsOf<CommonOptions & { json?: boolean }>(command, context);
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
