/** Writes docs/options.md from the definitions of the command line, so that the two cannot differ: `npm run docs`. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadProgram, textAfter } from './lib/program.js';

const PAGE = new URL('../docs/options.md', import.meta.url);
const COMMON = ['--dir', '--manifest', '--help'];

/** @returns the text of docs/options.md */
export async function optionsPage() {
  const program = await loadProgram();
  const commands = program.commands.filter(({ _hidden }) => !_hidden);
  const common = program.options.filter(({ long }) => COMMON.includes(long));
  return `${[
    '# Commands and options',
    'Written by `npm run docs` from the definitions of the command line; do not edit.',
    'Lists take commas or repeats; `val` and `validation` mean valid, `x` and `y` mean images and labels. Data goes to\n' +
      'stdout, messages and progress to stderr. `--json` prints one document on stdout and nothing else there; its shapes\n' +
      'are in [json.md](json.md).',
    'Every command takes these:',
    tableOf(common),
    ...commands.flatMap(section),
    '## Exit codes',
    `\`\`\`text\n${exitCodes(program)}\n\`\`\``,
  ].join('\n\n')}\n`;
}

function section(command) {
  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const usage = ['pcam', command.name(), ...args, '[options]'].join(' ');
  const own = command.options.filter(({ long, hidden }) => !hidden && !COMMON.includes(long));
  const parts = [`## pcam ${command.name()}`, `    ${usage}`, command.description()];
  if (command.registeredArguments.length > 0) parts.push(tableOf(command.registeredArguments, 'argument'));
  if (own.length > 0) parts.push(tableOf(own));
  const more = textAfter(command);
  if (more) parts.push(`\`\`\`text\n${more}\n\`\`\``);
  return parts;
}

/** Cells are not padded: a new option then changes one line. */
function tableOf(definitions, what = 'option') {
  const rows = definitions.map((definition) => {
    const flags = definition.flags ?? `<${definition.name()}>`;
    const meaning = `${definition.description}${defaultOf(definition)}`;
    return `| \`${flags.replaceAll('|', '\\|')}\` | ${meaning.replace(/[<|*]/g, '\\$&')} |`;
  });
  return [`| ${what} | meaning |`, '|---|---|', ...rows].join('\n');
}

function defaultOf({ defaultValue, negate }) {
  return defaultValue === undefined || negate ? '' : ` (default: ${defaultValue})`;
}

function exitCodes(program) {
  return textAfter(program)
    .split(/Exit codes:\n/)[1]
    .trimEnd();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(PAGE, await optionsPage());
