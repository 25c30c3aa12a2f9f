/** `pcam info`: what the manifest says, and on demand what its sources answer. */
import { Command } from 'commander';
import { EXIT_CODES, formatBytes, printable } from '../core/index.js';
import type { Probe } from '../info/index.js';
import { resolveManifest } from '../manifest/index.js';
import {
  addCommonOptions,
  type CommonOptions,
  type Context,
  networkSettings,
  optionsOf,
  printJson,
  printLine,
} from './context/index.js';

export function infoCommand(context: Context): Command {
  const command = new Command('info')
    .description(
      'Shows the files of the manifest: size, digests, sources, and their state in the data set folder.',
    )
    .option('--probe', 'ask each source for one small range: does it answer, how fast, through which proxy')
    .option('--json', 'print one JSON document on stdout')
    .addHelpText(
      'after',
      `
State in the folder, by receipts and names alone (pcam verify reads the files):
  verified, unverified, archive (not decompressed), partial, missing

Answer of a source (--probe; exit code 4 when none is ok):
  ok           it sends the bytes, and the size is right
  quota        its quota for the file is used up, for up to 24 hours
  busy         it asks to wait
  refused      it answers, and does not give the file
  missing      it has no such file
  wrong-size   its copy has another size
  failed       it answers with an error
  unreachable  no connection, no answer, or a proxy or certificate in the way
`,
    );
  addCommonOptions(command, context);
  return command.action(async () => {
    const [{ info }, { table }] = await Promise.all([
      import('../info/index.js'),
      import('../report/index.js'),
    ]);
    const { json, probe, dir, ...given } = optionsOf<Options>(command, context);
    const manifest = await resolveManifest(given.manifest);
    const result = await info({ dir, manifest });
    if (probe) {
      const { probeSources } = await import('../info/index.js');
      const { signal } = context;
      const probes = await probeSources({ manifest, signal, ...(await networkSettings(context)) });
      const ok = probes.some(({ status }) => status === 'ok');
      if (!ok) context.exitCode = EXIT_CODES.NO_SOURCE;
      return json ? printJson(context, { ...result, ok, probes }) : printProbes(context, table, probes);
    }
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

interface Options extends CommonOptions {
  json?: boolean;
  probe?: boolean;
}

function printProbes(
  { stdout }: Context,
  table: typeof import('../report/index.js').table,
  probes: readonly Probe[],
): void {
  const rows = probes.map(({ source, status, latency, bytesPerSecond, size, file, proxy, url }) => [
    source,
    status,
    latency === null ? '-' : `${latency} ms`,
    bytesPerSecond === null ? '-' : `${formatBytes(bytesPerSecond)}/s`,
    size === null ? '-' : formatBytes(size),
    file ?? '-',
    proxy ?? 'none',
    url,
  ]);
  const head = ['source', 'answer', 'latency', 'speed', 'size', 'file', 'proxy', 'place'];
  printLine(stdout, table([head, ...rows], { right: [2, 3, 4] }));
  for (const { source, message, hint } of probes) {
    if (message !== null) printLine(stdout, `${source}: ${printable(message)}`);
    if (hint !== null) printLine(stdout, `  ${printable(hint)}`);
  }
}
