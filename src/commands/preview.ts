/** `pcam preview`. */
import { Command } from 'commander';
import { count, DEFAULTS, LIMITS, PcamError } from '../core/index.js';
import {
  choosePatches,
  drawOnTerminal,
  fitGrid,
  isSample,
  type PreviewOptions,
  preview,
} from '../explore/preview/index.js';
import {
  type Context,
  callOnSplits,
  columnsOf,
  printJson,
  printMessage,
  type SplitCall,
  type SplitOptions,
  withAction,
} from './context.js';
import { printCommand, printNext, sameCommand } from './hints.js';
import {
  addOutputOptions,
  addPatchOptions,
  addSplitOption,
  type PatchOptions,
  selectionOf,
  whole,
} from './options.js';

interface Options extends SplitOptions, PatchOptions {
  rows?: number;
  cols?: number;
  scale?: number;
  out?: string;
}

const EXAMPLES = `
On a terminal, the sheet is drawn there: as a picture where the terminal can show one (kitty, Ghostty, iTerm2,
WezTerm), else in 24-bit colours. With --out it becomes a PNG file, the same bytes on every machine.
A positive patch has a green box around the centre 32 x 32 px, which decide its label.

Examples:
  pcam preview --split valid
  pcam preview --rows 6 --cols 10 --seed 7 -o sheet.png
  pcam preview --slides '*tumor_0?3*' --label 1 --scale 1 -o tumor.png
  pcam preview --split train --indices suspicious.txt -o suspicious.png --json
`;

export function previewCommand(context: Context): Command {
  const { rows, cols, scale } = DEFAULTS.preview;
  const command = addSplitOption(new Command('preview')).description(
    'Shows a contact sheet of patches: half positive and half negative ones, spread over slides, unless the selection options ask for others.',
  );
  addPatchOptions(command)
    .option(
      '--rows <n>',
      `rows of patches (default: ${rows}; all of a sample; what fits a terminal)`,
      whole(LIMITS.sheet),
    )
    .option('--cols <n>', `patches per row (default: ${cols}; what fits a terminal)`, whole(LIMITS.sheet))
    .option(
      '--scale <n>',
      `pixels of the picture per pixel of a patch (default: ${scale})`,
      whole(LIMITS.scale),
    )
    .option('-o, --out <file>', 'write a PNG file (default: draw on the terminal)')
    .addHelpText('after', EXAMPLES);
  return withAction<Options>(addOutputOptions(command), context, run);
}

async function run(options: Options, context: Context): Promise<void> {
  const { split, rows, cols, scale, out, json } = options;
  if (out === undefined) requireTerminal(options, context);
  const request = (shared: SplitCall): PreviewOptions => ({
    ...shared,
    ...{ selection: selectionOf(options), rows, cols, scale },
  });
  if (out === undefined) {
    const picture = await callOnSplits(context, options, (shared) => draw(request(shared), context));
    context.stdout.write(picture);
    return printCommand(context, 'Keep a sheet as a file', `${sameCommand(context)} -o sheet.png`);
  }
  const result = await callOnSplits(context, options, (shared) => preview({ ...request(shared), out }));
  if (json) return printJson(context, result);
  const { width, height, patches } = result;
  printMessage(context, `${out}: ${count(patches.length, 'patch')}, ${width} x ${height} px.`);
  printNext(context, 'All about the data on one page', { command: 'report', splits: split });
}

/** @throws PcamError USAGE */
function requireTerminal({ json }: Options, { stdout, env }: Context): void {
  const reason = json
    ? '--json describes a file'
    : !stdout.isTTY
      ? 'stdout is not a terminal'
      : env.graphics === undefined
        ? 'this terminal is set to show no colors (NO_COLOR or TERM=dumb)'
        : undefined;
  if (reason === undefined) return;
  throw new PcamError('USAGE', `there is nowhere to draw the sheet: ${reason}`, {
    hint: 'name a file, such as -o sheet.png',
  });
}

async function draw(request: PreviewOptions, { stdout, env, signal }: Context): Promise<string> {
  const graphics = env.graphics!;
  const columns = columnsOf(stdout) ?? 80;
  const fitting = fitGrid(graphics, { columns, rows: stdout.rows || 24 });
  // Of a sample that is asked for, all is shown: a terminal scrolls.
  const wanted = { ...request, cols: request.cols ?? fitting.cols };
  if (!isSample(request.selection)) wanted.rows ??= fitting.rows;
  const { patches, cols } = await choosePatches(wanted);
  const scale = request.scale ?? DEFAULTS.preview.scale;
  return drawOnTerminal(patches, { graphics, cols, scale, columns, signal });
}
