/** What is published, and what it brings along: its contents, its lockfile, and a life in an empty project. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { put } from '../support/files.js';
import { start } from '../support/process.js';
import { sharedFolder } from '../support/temp.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MB = 1024 * 1024;

interface Packed {
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string }[];
}

interface LockEntry {
  version?: string;
  integrity?: string;
  resolved?: string;
  link?: boolean;
  dev?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
}

const json = async (name: string) => JSON.parse(await readFile(join(ROOT, name), 'utf8'));

describe('the lockfile', async () => {
  const { packages } = (await json('package-lock.json')) as { packages: Record<string, LockEntry> };
  const entries = Object.entries(packages).filter(([path]) => path !== '');

  it('has the digest of every package, and no address that only some machines reach', () => {
    for (const [path, { version, integrity, resolved, link }] of entries) {
      expect({ path, version, integrity, resolved, link }).toEqual({
        path,
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        integrity: expect.stringMatching(/^sha512-[A-Za-z0-9+/]{86}==$/),
        resolved: undefined,
        link: undefined,
      });
    }
  });

  it('has no install script', () => {
    const scripts = entries.filter(([, entry]) => entry.hasInstallScript && !entry.dev && !entry.optional);
    expect(scripts).toEqual([]);
  });

  it('is that of package.json', async () => {
    const { dependencies, devDependencies, engines, version } = await json('package.json');
    expect(packages['']).toMatchObject({ dependencies, devDependencies, engines, version });
  });
});

describe('package.json', async () => {
  const own = await json('package.json');

  it('runs nothing on install but the build', () => {
    const hooks = Object.keys(own.scripts).filter((name) =>
      /^(pre|post)?(install|prepare|publish|pack|prepublishOnly|uninstall)$/.test(name),
    );
    expect(hooks).toEqual(['prepare']);
    expect(own.scripts.build).toMatch(/^tsc /);
  });

  it('asks for no older node than its dependencies do', async () => {
    const least = (range: string) =>
      Math.min(...[...range.matchAll(/(\d+)(?:\.(\d+))?(?:\.(\d+))?/g)].map(versionNumber));
    for (const name of Object.keys(own.dependencies)) {
      const { engines } = await json(`node_modules/${name}/package.json`);
      expect(least(own.engines.node), name).toBeGreaterThanOrEqual(least(engines?.node ?? '>=0'));
    }
  });
});

function versionNumber([, major, minor = '0', patch = '0']: RegExpMatchArray): number {
  return Number(major) * 1e6 + Number(minor) * 1e3 + Number(patch);
}

describe('the package', () => {
  let folder: string;
  let remove: () => Promise<void>;
  let packed: Packed;
  let project: string;

  beforeAll(async () => {
    ({ folder, remove } = await sharedFolder());
    // The build is already there, and other tests are reading it.
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await run('npm', args, { cwd: ROOT });
    packed = Object.values(JSON.parse(stdout) as Record<string, Packed>)[0]!;
    project = await put(join(folder, 'project'), { 'package.json': '{"private":true,"type":"module"}' });
    // Whoever tests pcam has just installed it: what it depends on is in npm's cache.
    const tarball = join(folder, packed.filename);
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], { cwd: project });
  }, 120_000);
  afterAll(() => remove());

  const inProject = (name: string) => join(project, 'node_modules', 'pcam', name);

  it('holds what is needed to run it, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    const top = [...new Set(paths.map((path) => path.split('/')[0]))].sort();
    expect(top).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'completion',
      'croissant.json',
      'demo',
      'dist',
      'man',
      'manifest.json',
      'manifest.schema.json',
      'package.json',
    ]);
    for (const path of paths) {
      expect(path).toMatch(
        /^dist\/.*\.(js|d\.ts|html|css)$|^[^/]+$|^bin\/pcam\.js$|^man\/pcam\.1$|^completion\/pcam\.\w+$|^demo\/[a-z-]+\.js$/,
      );
      const source = path.replace(/^dist\/(.*?)(\.d)?\.[jt]s$/, 'src/$1.ts').replace(/^dist/, 'src');
      expect(existsSync(join(ROOT, source)), `${path} has no source: remove dist and build again`).toBe(true);
    }
    expect(packed.size).toBeLessThan(0.75 * MB);
    expect(packed.unpackedSize).toBeLessThan(2 * MB);
  });

  it('depends on few packages, all of them known', async () => {
    const { packages } = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8'));
    const names = Object.keys(packages).filter((path) => path !== '');
    const known = (await json('package-lock.json')).packages as Record<string, unknown>;
    expect(names.filter((path) => path !== 'node_modules/pcam' && !known[path])).toEqual([]);
    expect(names.length).toBeLessThan(30);
  });

  it('has a command', async () => {
    const { version } = await json('package.json');
    const { stdout } = await run('npx', ['--no-install', 'pcam', '--version'], { cwd: project });
    expect(stdout.trim()).toBe(version);
  });

  it('can be imported, from everywhere that exports names, and from nowhere else', async () => {
    await writeFile(
      join(project, 'use.js'),
      `import { createFixture, download, openDataset, verify } from 'pcam';
       import { createRequire } from 'node:module';
       const { readFileSync } = await import('node:fs');
       readFileSync(new URL(import.meta.resolve('pcam/manifest.json')));
       readFileSync(new URL(import.meta.resolve('pcam/manifest.schema.json')));
       readFileSync(new URL(import.meta.resolve('pcam/package.json')));
       const inner = await import('pcam/dist/cli.js').catch(({ code }) => code);
       const { manifest } = await createFixture({ dir: 'small', train: 4, valid: 2, test: 2 });
       const { ok } = await download({ manifest, dir: 'data' });
       const verified = await verify({ manifest, dir: 'data', deep: true });
       const data = await openDataset({ dir: 'data' }).catch(({ code }) => code);
       if (typeof data === 'object') data.close();
       console.log(JSON.stringify({ inner, ok, verified: verified.ok }));`,
    );
    const { stdout, stderr, code } = await start(join(project, 'use.js'), [], { cwd: project }).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ inner: 'ERR_PACKAGE_PATH_NOT_EXPORTED', ok: true, verified: true });
  });

  it('has types that a strict TypeScript project can use', async () => {
    await writeFile(
      join(project, 'consumer.ts'),
      `import { createFixture, download, EXIT_CODES, info, openDataset, parseManifest, PcamError, readManifest, verify,
         type Batch, type DownloadResult, type ErrorCode, type Manifest, type PcamEvent, type Split } from 'pcam';
       const manifest: Manifest = await readManifest();
       const onEvent = (event: PcamEvent): void => { if (event.type === 'progress') event.done.toFixed(); };
       const result: DownloadResult = await download({ manifest, onEvent, signal: AbortSignal.timeout(1000) });
       const data = await openDataset({ dir: 'pcam', manifest });
       const split: Split = await data.split('train');
       for await (const batch of split.batches({ size: 2 })) { const { images, meta }: Batch = batch; images.length; meta?.[0]?.wsi; }
       try { parseManifest({}); } catch (error) {
         if (error instanceof PcamError) { const code: ErrorCode = error.code; EXIT_CODES[code].toFixed(); }
       }
       void result.files[0]?.error?.code; void verify; void createFixture; void info;
       // @ts-expect-error no such split
       void data.split('validation');
      `,
    );
    const options = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      module: 'nodenext',
      target: 'es2022',
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    };
    const config = { compilerOptions: options, files: ['consumer.ts'] };
    await put(project, { 'tsconfig.json': JSON.stringify(config) });
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout, code } = await start(tsc, ['-p', project], { cwd: project }).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });

  it('runs its demo', async () => {
    const { code, stdout, stderr } = await start(inProject('demo/demo.js'), [], { cwd: project }).ended;
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('synthetic PCam');
  });
});
