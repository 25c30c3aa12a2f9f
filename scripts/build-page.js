#!/usr/bin/env node
// Bundles the page of `pcam browse` into dist/browse/page; a part of `npm run build`.
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const page = fileURLToPath(new URL('../src/browse/page/', import.meta.url));
const out = fileURLToPath(new URL('../dist/browse/page/', import.meta.url));

await mkdir(out, { recursive: true });
await build({
  entryPoints: { page: join(page, 'page.ts') },
  outdir: out,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'eof',
  logLevel: 'warning',
});
for (const name of ['index.html', 'page.css']) await copyFile(join(page, name), join(out, name));
