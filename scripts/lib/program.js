/** The command line's definitions, for pages that are generated from them. */
import { createProgram } from '../../dist/commands/program.js';

/** @returns the program with every command loaded, printing nothing and seeing no environment */
export function loadProgram() {
  const context = {
    stdout: { write: () => true },
    stderr: { write: () => true },
    env: { proxy: {}, colour: 'never', dumb: true, calledAs: 'pcam' },
    given: {},
    progress: 'auto',
    quiet: false,
    signal: new AbortController().signal,
    exitCode: 0,
  };
  return createProgram(context);
}

/** What a command's help says after the options: statuses, formats, examples. */
export function textAfter(command) {
  let text = '';
  command.configureOutput({
    writeOut: (written) => {
      text += written;
    },
  });
  command.outputHelp();
  return text.slice(command.helpInformation().length).trim();
}
