// What the Python wheel runs: the command line, which also stops when Python closes its stdin or ends.
import { main } from '../dist/cli.js';

/** A Ctrl-C of the terminal reaches this process too (ms): it must not count as a second one. */
const SIGNAL_GRACE = 200;

// A promise that never settles must not look like success.
process.exitCode = 1;
const { stdin, stdout, stderr, env } = process;

if (env.PCAM_STOP_ON_EOF === '1') {
  let stopping = false;
  process.on('SIGINT', () => {
    stopping = true;
  });
  const stop = () => {
    if (!stopping) process.emit('SIGINT', 'SIGINT');
  };
  stdin
    .on('error', () => {})
    .on('end', () => setTimeout(stop, SIGNAL_GRACE))
    .resume();
  stdin.unref?.();
}

// Without the path of this script: commands that are printed begin with the name that was called.
main(process.argv.slice(2), { stdout, stderr, env, argv: [process.execPath, ''] }).then((code) => {
  process.exitCode = code;
});
