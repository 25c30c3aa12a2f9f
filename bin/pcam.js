#!/usr/bin/env node
// An old Node.js parses this file; what it imports needs the version that package.json asks for.
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const needed = engines.node.replace('>=', '');
const own = process.versions.node;

if (own.localeCompare(needed, 'en', { numeric: true }) >= 0) {
  const { main } = await import('../dist/cli.js');
  process.exitCode = await main(process.argv.slice(2));
} else {
  const how = 'https://nodejs.org/en/download, or with conda, nvm (`nvm install 22`) or fnm';
  process.stderr.write(
    `pcam: Node.js ${needed} or later is needed, and this is ${own}; get one from ${how}.\n`,
  );
  process.exitCode = 5;
}
