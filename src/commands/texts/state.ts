/** `pcam` alone: what is in the folder, and what to do next. */
import type { Command } from 'commander';
import { formatBytes, PcamError, printable, VERSION } from '../../core/index.js';
import type { InfoResult } from '../../info/index.js';
import { type CommonOptions, type Context, commandLine, printLine } from '../context/index.js';
import { printNext } from './closing.js';
import { nextAfterInfo } from './info-report.js';

export async function printState(program: Command, context: Context): Promise<void> {
  const typed = program.opts<Partial<CommonOptions>>();
  context.given = typed;
  const options = { dir: context.env.dir, manifest: context.env.manifest, ...typed };
  if (options.dir === '') throw new PcamError('USAGE', '--dir is empty');
  const { info } = await import('../../info/index.js');
  const result = await info(options);
  const say = (line: string) => printLine(context.stdout, line);
  say(`pcam ${VERSION}: the PatchCamelyon data set, from download to training.`);
  say('');
  say(stateOf(result));
  printNext(context, ...nextAfterInfo(result.files));
  printLine(context.stderr, `All commands:\n  ${commandLine(context, { command: 'help' }, { plain: true })}`);
}

function stateOf({ dir, files }: InfoResult): string {
  const there = files.filter(({ state }) => state !== 'missing');
  const known = files.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  if (there.length === 0)
    return printable(`No data set in ${dir} yet: ${files.length} files, ${formatBytes(known)} to fetch.`);
  const counts = new Map<string, number>();
  for (const { state } of files) counts.set(state, (counts.get(state) ?? 0) + 1);
  const words = [...counts].map(([state, n]) => `${n} ${state}`).join(', ');
  return printable(`Data set in ${dir}: ${files.length} files, ${words}.`);
}
