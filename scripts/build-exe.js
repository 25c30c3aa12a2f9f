#!/usr/bin/env node
// Makes build/pcam, one file that needs no Node.js: `npm run build:exe [-- --node PATH --out PATH]`.
// --node is the Node.js to put in, by default the one that runs this; it has to run on this machine.
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildExecutable } from './lib/executable.js';

const suffix = process.platform === 'win32' ? '.exe' : '';
const { values } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    out: { type: 'string', default: `build/pcam${suffix}` },
  },
});
const out = resolve(values.out);
await mkdir(dirname(out), { recursive: true });
const { bytes, seconds } = await buildExecutable({ node: resolve(values.node), out });
console.log(`${out}: ${(bytes / 1e6).toFixed(0)} MB, ${seconds.toFixed(1)} s`);
