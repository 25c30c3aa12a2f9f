#!/usr/bin/env node
// Makes files that need no Node.js.
//   npm run build:exe                       build/pcam for this machine, from the Node.js that runs this (--node PATH, --out PATH)
//   npm run build:exe -- --all              build/exe/pcam-SYSTEM-PROCESSOR for six systems, SHA256SUMS and licences
//   npm run build:exe -- --target linux-arm64    only that one of the six
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildAllExecutables, buildExecutable, TARGETS } from './lib/executable.js';

const suffix = process.platform === 'win32' ? '.exe' : '';
const { values } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    out: { type: 'string' },
    all: { type: 'boolean', default: false },
    target: { type: 'string', multiple: true },
  },
});
if (values.all || values.target) {
  const out = resolve(values.out ?? 'build/exe');
  const names = await buildAllExecutables({ out, targets: values.target ?? Object.keys(TARGETS) });
  console.log(`${out}: ${names.join(', ')}`);
  console.log('On macOS, sign yours once: codesign --sign - pcam-darwin-arm64');
} else {
  const out = resolve(values.out ?? `build/pcam${suffix}`);
  await mkdir(dirname(out), { recursive: true });
  const { bytes, seconds } = await buildExecutable({ node: resolve(values.node), out });
  console.log(`${out}: ${(bytes / 1e6).toFixed(0)} MB, ${seconds.toFixed(1)} s`);
}
