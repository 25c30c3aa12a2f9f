/** The shape of src/: who may import whom. A picture of the code that stays true because this fails otherwise. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** From the ground up: a folder, or a file that has a line, imports from lines above its own, and from nothing else. */
const LAYERS = [
  ['core'],
  ['fs', 'report', 'threads'],
  ['manifest', 'net'],
  ['pass', 'sources', 'dataset'],
  ['store'],
  ['transfer', 'inventory'],
  ['scan', 'verified'],
  ['selection'],
  ['export/encode'],
  ['export/formats', 'picture', 'upstream'],
  ['fixture'],
  ['export/output'],
  ['export/workers'],
  ['download', 'verify', 'export', 'info', 'subset.ts', 'explore/preview', 'explore/stats'],
  ['explore/report', 'score/input'],
  ['score'],
  ['browse', 'browse/page'],
  ['commands'],
  ['.'],
];

/** What only one file may import: everything else goes through it. */
const ONLY_IMPORTER: Record<string, string> = {
  undici: 'net/connections.ts',
  'cli-progress': 'report/bars.ts',
  h5wasm: 'dataset/hdf5-library.ts',
};

interface Import {
  from: string;
  to: string;
}

async function sources(): Promise<Map<string, string>> {
  const isCode = (name: string) => name.endsWith('.ts') && !name.endsWith('.d.ts');
  const names = (await readdir(SRC, { recursive: true })).filter(isCode).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(SRC, name), 'utf8')));
  return new Map(names.map((name, i) => [name.replaceAll('\\', '/'), texts[i]!]));
}

function importsOf(files: ReadonlyMap<string, string>): Import[] {
  return [...files].flatMap(([from, text]) =>
    [...text.matchAll(/^(?:import|export|\}).*?\bfrom '([^']+)';|\bimport\('([^']+)'\)/gm)].map((match) => {
      const name = (match[1] ?? match[2])!;
      const to = name.startsWith('.') ? posix.join(posix.dirname(from), name).replace(/\.js$/, '.ts') : name;
      return { from, to };
    }),
  );
}

const files = await sources();
const imports = importsOf(files);
const inside = imports.filter(({ to }) => files.has(to));

test('every folder has its layer', () => {
  const folders = [...new Set([...files.keys()].map((name) => posix.dirname(name)))].sort();
  const listed = LAYERS.flat().filter((name) => !files.has(name));
  expect(folders).toEqual(listed.sort());
  expect(inside.length).toBeGreaterThan(200);
});

test('imports point down: from a folder to those of lower layers', () => {
  const placeOf = (name: string) => (LAYERS.flat().includes(name) ? name : posix.dirname(name));
  const layerOf = (name: string) => LAYERS.findIndex((layer) => layer.includes(placeOf(name)));
  const wrong = inside.filter(
    ({ from, to }) => placeOf(from) !== placeOf(to) && layerOf(from) <= layerOf(to),
  );
  expect(wrong).toEqual([]);
});

test('a folder with an index.ts is entered through it, and it holds nothing but its public face', () => {
  const past = inside
    // A thread loads the one job that it runs, and not the folder around it.
    .filter(({ from }) => from !== 'worker.ts')
    .filter(({ from, to }) => dirname(from) !== dirname(to) && dirname(to) !== '.')
    .filter(({ to }) => files.has(`${dirname(to)}/index.ts`) && posix.basename(to) !== 'index.ts');
  expect(past).toEqual([]);
  for (const [name, text] of files) {
    if (posix.basename(name) !== 'index.ts') continue;
    const rest = text
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/export (type )?\{[^}]*\} from '[^']+';/g, '')
      .trim();
    expect(rest, name).toBe('');
  }
});

test('within a folder, no import cycle', () => {
  const next = new Map<string, string[]>();
  for (const { from, to } of inside) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (name: string, above: readonly string[]): void => {
    if (above.includes(name))
      throw new Error(`circle: ${[...above.slice(above.indexOf(name)), name].join(' -> ')}`);
    if (done.has(name)) return;
    for (const to of next.get(name) ?? []) visit(to, [...above, name]);
    done.add(name);
  };
  for (const name of files.keys()) visit(name, []);
});

test('only the entries and operations of one file lie at the root', () => {
  const entries = [...files.keys()].filter((name) => posix.dirname(name) === '.');
  expect(entries).toEqual(['cli.ts', 'index.ts', 'subset.ts', 'worker.ts']);
});

test.each(Object.entries(ONLY_IMPORTER))('%s is imported by %s alone', (name, file) => {
  const importers = imports
    .filter(({ to }) => to === name || to.startsWith(`${name}/`))
    .map(({ from }) => from);
  expect(new Set(importers)).toEqual(new Set([file]));
});

test('every file opens with one sentence on its job', () => {
  const without = [...files].filter(
    ([name, text]) => posix.basename(name) !== 'index.ts' && !text.startsWith('/**'),
  );
  expect(without.map(([name]) => relative('.', name))).toEqual([]);
});

test('a worker has no top-level await, as the executable runs it as a CommonJS script', () => {
  const workers = [...files].filter(([name]) => name.endsWith('worker.ts'));
  expect(workers.length).toBeGreaterThan(0);
  for (const [name, text] of workers) expect(text, name).not.toMatch(/^(?!async|\s|\/\/).*\bawait\b/m);
});

test('no export that nothing uses', async () => {
  const tests = fileURLToPath(new URL('.', import.meta.url));
  const names = (await readdir(tests, { recursive: true })).filter((name) => /\.(ts|mjs)$/.test(name));
  const using = await Promise.all(names.map((name) => readFile(join(tests, name), 'utf8')));
  // bin/pcam.js calls main.
  const used = new Set<string>(['main']);
  for (const text of [...files.values(), ...using]) {
    for (const [, braces] of text.matchAll(/\{([^{}]*)\}\s+(?:from|= await import)\b/g)) {
      for (const name of braces!.split(','))
        used.add(
          name
            .replace(/^\s*type\s/, '')
            .trim()
            .split(/[\s:]/)[0]!,
        );
    }
    for (const [, name] of text.matchAll(/\(await import\([^)]*\)\)\.(\w+)/g)) used.add(name!);
  }
  const declared = [...files].flatMap(([file, text]) =>
    [...text.matchAll(/^export (?:async )?(?:function\*?|const|class|let) ([\w$]+)/gm)].map(([, name]) => ({
      file,
      name: name!,
    })),
  );
  expect(declared.filter(({ name }) => !used.has(name))).toEqual([]);
});
