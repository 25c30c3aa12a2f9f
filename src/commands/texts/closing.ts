/** The last lines of a command: how to load what it made, and the next useful command. */
import { basename, dirname, join, resolve } from 'node:path';
import type { NextStep } from '../../core/index.js';
import { type Context, commandLine, printLine } from '../context/index.js';

/** Lines of Python that load the decompressed images; none where there are none. */
export function loadersOf(dir: string, names: readonly string[]): string[] {
  const images = names.find((name) => name.endsWith('_x.h5'));
  if (images === undefined) return [];
  const h5py = `h5py.File(${quoted(join(dir, images))})["x"]`;
  // torchvision looks for a folder of this name.
  if (basename(resolve(dir)) !== 'pcam') return [h5py];
  const split = /valid/.test(images) ? 'val' : /test/.test(images) ? 'test' : 'train';
  return [`torchvision.datasets.PCAM(root=${quoted(dirname(dir))}, split=${quoted(split)})`, h5py];
}

export function printLoaders({ stderr }: Context, lines: readonly string[]): void {
  if (lines.length === 0) return;
  printLine(stderr, 'Load it:');
  for (const line of lines) printLine(stderr, `  ${line}`);
}

export function printNext(context: Context, what: string, next: NextStep): void {
  printCommand(context, what, commandLine(context, next));
}

/** After a command whose product is on stdout: for people, as a script that reads that has no use for it. */
export function printNextToPeople(context: Context, what: string, next: NextStep): void {
  if (context.stdout.isTTY || context.stderr.isTTY) printNext(context, what, next);
}

export function printCommand({ stderr }: Context, what: string, command: string): void {
  printLine(stderr, `${what}:\n  ${command}`);
}

/** A string as Python has it. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
