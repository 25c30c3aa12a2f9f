/**
 * Loaded before a program (`node --import`): the process dies by SIGKILL just before the nth call that changes the disk,
 * n being PCAM_DIE_AT. Without it, the number of calls is written to the file descriptor 3 at the end.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const dieAt = Number(process.env.PCAM_DIE_AT ?? Number.NaN);
let calls = 0;

function patch(object, names) {
  for (const name of names) {
    const original = object[name];
    object[name] = function (...args) {
      calls++;
      if (calls === dieAt) process.kill(process.pid, 'SIGKILL');
      return original.apply(this, args);
    };
  }
}

patch(fs, ['openSync', 'writeSync', 'writeFileSync', 'closeSync']);
patch(fs.promises, ['mkdir', 'rename', 'rm', 'rmdir', 'open', 'writeFile', 'link']);
syncBuiltinESMExports();
process.on('exit', () => {
  if (Number.isNaN(dieAt)) fs.writeFileSync(3, String(calls));
});
