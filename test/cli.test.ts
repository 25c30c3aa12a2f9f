/** The command line as people and scripts meet it: exit codes, one document on stdout, words on stderr. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { layout } from '#pcam/store/layout.js';
import { contents, holding } from './support/download.js';
import { archive, manifestJson, noise, plainFile, put } from './support/files.js';
import { runPcam } from './support/in-process.js';
import { CHUNK, rightBytes } from './support/part.js';
import { type Ended, PCAM, startPcam } from './support/process.js';
import { Series } from './support/series.js';
import { lastPart, listen, send, serveFiles } from './support/server.js';
import { temporaryFolder } from './support/temp.js';
import { ownFolder } from './support/workspace.js';

const x = archive('train_x.h5', noise(2000, 1));
const y = archive('valid_y.h5', noise(300, 2), { split: 'valid', kind: 'labels' });
const FILES = [x, y];
const SERVED = Object.fromEntries(FILES.map(({ file, served }) => [file.name, served]));

interface Place {
  folder: string;
  /** The data set folder. */
  dir: string;
  manifest: string;
  run(...args: string[]): Promise<Ended>;
}

async function place(baseUrl: string, files = FILES): Promise<Place> {
  const folder = await temporaryFolder();
  const manifest = join(folder, 'm.json');
  const dir = join(folder, 'data');
  await writeFile(manifest, JSON.stringify(manifestJson(files, { web: { type: 'http', baseUrl } })));
  const run = (...args: string[]) => runPcam([...args, '-d', dir, '--manifest', manifest]);
  return { folder, dir, manifest, run };
}

const NOBODY = 'http://127.0.0.1:1';

/** stdout holds one JSON document and nothing else. */
function document({ stdout }: Pick<Ended, 'stdout'>) {
  const json = JSON.parse(stdout);
  expect(stdout.endsWith('}\n')).toBe(true);
  return json;
}

const series = new Series(20_000);
afterAll(() => series.kill());

describe('exit codes', () => {
  it('0 when all is well: download, verify, info, cache-key', async () => {
    const server = await serveFiles(SERVED);
    const { run, dir, manifest: path } = await place(server.url);
    const manifest = { path, builtIn: false };
    const fetched = await run('download', '--json');
    expect(fetched.code).toBe(0);
    expect(document(fetched)).toEqual({
      ok: true,
      manifest,
      files: FILES.map(({ file, served }) => ({
        name: file.name,
        status: 'downloaded',
        path: join(dir, file.extracted?.name ?? file.name),
        bytes: served.length,
        transferred: served.length,
        sources: { web: served.length },
      })),
    });
    expect(await contents(dir)).toEqual(holding(FILES));
    const [verified, info, key, plain] = await Promise.all([
      run('verify', '--json'),
      run('info', '--json'),
      run('cache-key'),
      run('download'),
    ]);
    expect([verified.code, info.code, key.code, plain.code]).toEqual([0, 0, 0, 0]);
    const digests = FILES.map(({ file }) => ({
      name: file.name,
      status: 'ok',
      expected: file.extracted!.md5,
      found: file.extracted!.md5,
    }));
    expect(document(verified)).toEqual({ ok: true, manifest, files: digests, findings: [] });
    expect(document(info)).toMatchObject({
      ok: true,
      manifest,
      files: FILES.map(() => ({ state: 'verified', sources: ['web'] })),
    });
    expect(key.stdout).toMatch(/^pcam-v1-[0-9a-f]+\n$/);
    expect(plain.stdout).toBe('');
    expect(plain.stderr).toContain(dir);
  });

  it('3 when the data is missing or wrong', async () => {
    const { run } = await place(NOBODY);
    const verified = await run('verify', '--json');
    expect(verified.code).toBe(3);
    expect(document(verified)).toMatchObject({ ok: false, files: [{ status: 'missing', found: null }, {}] });
    const bad = await serveFiles({ ...SERVED, [x.file.name]: noise(x.served.length, 9) });
    const other = await place(bad.url);
    const fetched = await other.run('download', '--json');
    expect(fetched.code).toBe(3);
    const [failed] = document(fetched).files;
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'DIGEST_MISMATCH' } });
    expect(failed.error.message).toContain(x.file.sha256);
    expect(fetched.stderr).toContain(x.file.sha256);
  });

  it('4 when no source delivers', async () => {
    const server = await serveFiles({});
    const { run } = await place(server.url);
    const ended = await run('download', '--json');
    expect(ended.code).toBe(4);
    expect(document(ended)).toMatchObject({ ok: false, files: [{ error: { code: 'NO_SOURCE' } }, {}] });
    expect(ended.stderr).toContain('404');
  });

  it('5 for a local error', async () => {
    const { run, dir, folder } = await place(NOBODY);
    const { release } = await ownFolder(dir);
    const locked = await run('download', '--json');
    expect(locked.code).toBe(5);
    expect(document(locked)).toMatchObject({ ok: false, error: { code: 'LOCKED' } });
    expect(document(locked).error.hint).toBeTruthy();
    await release();
    await put(folder, { file: '' });
    for (const command of ['download', 'verify']) {
      const ended = await runPcam([command, '--json', '-d', join(folder, 'file')]);
      expect(ended.code).toBe(5);
      expect(document(ended).error.code).toBe('NOT_A_FOLDER');
    }
  });

  it.each<[string, string[]]>([
    ['an unknown option', ['download', '--splt', 'valid']],
    ['an unknown split', ['verify', '--split', 'trian']],
    ['an unknown kind', ['download', '--kind', 'z']],
    ['an option without its value', ['download', '--split']],
    ['an empty list', ['download', '--split', ',']],
    ['an unknown source', ['download', '--source', 'zendo']],
    ['a number that is none', ['download', '--jobs', 'many']],
    ['a number out of bounds', ['download', '--connections', '65']],
    ['a speed that is none', ['download', '--limit-rate', 'fast']],
    ['too many arguments', ['verify', 'train']],
    ['a file that the manifest does not have', ['info', 'nothing.h5']],
    ['an unknown command', ['donwload']],
    ['a manifest that is not there', ['info', '--manifest', 'nowhere.json']],
    ['an empty folder name', ['verify', '-d', '']],
    ['a folder for --from that is not there', ['download', '--from', '/nowhere/at/all']],
  ])('2 for %s, with one document for --json', async (_, args) => {
    const cwd = await temporaryFolder();
    const ended = await series.run([...args, '--json'], { cwd });
    expect(ended.code).toBe(2);
    const { ok, error } = document(ended);
    expect(ok).toBe(false);
    expect(['USAGE', 'BAD_MANIFEST']).toContain(error.code);
    expect(error.message).toBeTruthy();
    expect(ended.stderr).not.toBe('');
    expect(existsSync(join(cwd, 'pcam'))).toBe(false);
  });

  it.each<[string, string[], RegExp]>([
    ['-v after a command', ['verify', '-v'], /unknown option '-v'/],
    ['--version after a command', ['verify', '--version'], /unknown option '--version'/],
    ['-v before a command', ['-v', 'verify'], /unknown option '-v'/],
    ['help of what is no command', ['help', 'nonsense'], /unknown command 'nonsense'/],
    ['list', ['list'], /unknown command 'list'[\s\S]*did you mean info\?/i],
    ['version', ['version'], /unknown command 'version'[\s\S]*did you mean --version\?/i],
    ['a split as an argument', ['download', 'valid'], /does not take[\s\S]*did you mean --split valid\?/],
    ['splits with spaces', ['verify', '--split', 'train', 'valid'], /did you mean --split train,valid\?/],
    ['splits with spaces and all', ['verify', '--split', 'val', 'test'], /did you mean --split valid,test\?/],
    ['hdf5 as a format', ['export', '--format', 'hdf5'], /what download leaves/],
    ['jpg as a format', ['export', '--format', 'jpg'], /would change the pixels/],
  ])('2 for %s, and says what was meant', async (_, args, words) => {
    const ended = await runPcam(args);
    expect(ended.code).toBe(2);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toMatch(words);
    expect(ended.stderr).not.toContain('Usage:');
  });

  it('0 for help, version and no command at all', async () => {
    const [help, own, version, none] = await Promise.all(
      [['--help'], ['download', '--help'], ['--version'], []].map((args) => runPcam(args)),
    );
    const versions = await Promise.all(['-v', '-V'].map((flag) => runPcam([flag])));
    expect(versions.map(({ stdout }) => stdout)).toEqual([version!.stdout, version!.stdout]);
    expect([help!.code, own!.code, version!.code, none!.code]).toEqual([0, 0, 0, 0]);
    expect(help!.stdout).toContain('Exit codes');
    expect(own!.stdout).toContain('Examples');
    expect(version!.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(none!.stdout).toContain('No data set in pcam yet');
    expect(none!.stderr).toMatch(/ download\n/);
  });
});

it('suggests what was meant', async () => {
  const said = async (...args: string[]) => (await runPcam(args)).stderr;
  const [split, option, command, source] = await Promise.all([
    said('download', '--split', 'trian'),
    said('download', '--splt', 'x'),
    said('verfiy'),
    said('download', '--source', 'zendo'),
  ]);
  expect(split).toMatch(/did you mean train/i);
  expect(option).toMatch(/did you mean --split/i);
  expect(command).toMatch(/did you mean verify/i);
  expect(source).toMatch(/did you mean zenodo/i);
});

describe('where things are', () => {
  it('-d is understood before and after the command, and PCAM_DIR and PCAM_MANIFEST without', async () => {
    const server = await serveFiles(SERVED);
    const { folder, manifest } = await place(server.url);
    const at = (name: string) => join(folder, name);
    const env = { PCAM_DIR: at('env'), PCAM_MANIFEST: manifest };
    const runs = await Promise.all([
      runPcam(['-d', at('before'), '--manifest', manifest, 'download']),
      runPcam(['download', '--dir', at('after'), '--manifest', manifest]),
      runPcam(['download'], { env }),
      runPcam(['--dir', at('one'), 'download', '-d', at('two')], { env }),
      startPcam(['download', '--manifest', manifest], { cwd: folder }).ended,
    ]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    for (const name of ['before', 'after', 'env', 'two', 'pcam']) {
      expect(await contents(at(name))).toEqual(holding(FILES));
    }
    expect(existsSync(at('one'))).toBe(false);
  });
});

describe('choices', () => {
  it.each<[string, string[], string[]]>([
    ['val', ['--split', 'val'], [y.file.name]],
    ['validation', ['--split', 'Validation'], [y.file.name]],
    ['commas', ['--split', 'train,valid'], [x.file.name, y.file.name]],
    ['repeats', ['--split', 'train', '--split', 'valid'], [x.file.name, y.file.name]],
    ['y', ['--kind', 'y'], [y.file.name]],
    ['x and labels', ['--kind', 'x, labels'], [x.file.name, y.file.name]],
    ['all', ['--split', 'all'], [x.file.name, y.file.name]],
    ['both', ['--kind', 'images', '--split', 'train'], [x.file.name]],
  ])('%s', async (_, args, names) => {
    const { run } = await place(NOBODY);
    const ended = await run('verify', '--json', ...args);
    expect(document(ended).files.map(({ name }: { name: string }) => name)).toEqual(names);
  });
});

describe('output', () => {
  it('may be cut by its reader', async () => {
    const script = `${JSON.stringify(process.execPath)} ${JSON.stringify(PCAM)} info | head -n 1`;
    const shell = spawn('bash', ['-o', 'pipefail', '-c', script]);
    let [stdout, stderr] = ['', ''];
    shell.stdout.on('data', (words) => {
      stdout += words;
    });
    shell.stderr.on('data', (words) => {
      stderr += words;
    });
    const code = await new Promise((resolve) => shell.on('close', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('file');
  });

  it('of a dry run is a plan on stdout; with --quiet there is nothing to read', async () => {
    const server = await serveFiles(SERVED);
    const { run, dir } = await place(server.url);
    const plan = await run('download', '--dry-run');
    expect(plan.code).toBe(0);
    expect(plan.stdout).toContain(x.file.name);
    expect(existsSync(dir)).toBe(false);
    const quiet = await run('download', '--quiet');
    expect(quiet).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('never passes on an escape sequence of a server', async () => {
    const server = await listen((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>\u001b[31mred\u001b[2J</title>');
    });
    const { folder, manifest } = await place(NOBODY);
    const json = manifestJson([x], { drive: { type: 'google-drive', baseUrl: server.url } });
    await writeFile(manifest, JSON.stringify(json));
    const ended = await runPcam(['download', '-d', join(folder, 'd'), '--manifest', manifest, '--json']);
    expect(ended.code).toBe(4);
    expect(ended.stdout + ended.stderr).toContain('red');
    expect(ended.stdout + ended.stderr).not.toContain('\u001b');
  });
});

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, code) => {
  it(`ends a download with ${code}, and the next run continues`, async () => {
    const large = archive('train_x.h5', noise(3_000_000, 3));
    let hold = true;
    const server = await listen((request, response) => {
      if (!hold) return send(request, response, large.served);
      expect(lastPart(request)).toBe(large.file.name);
      response.writeHead(200, { 'content-length': String(large.served.length) });
      response.write(large.served.subarray(0, 2_500_000));
    });
    const { run, dir, manifest } = await place(server.url, [large]);
    const { child, ended } = startPcam(['download', '--json', '-d', dir, '--manifest', manifest]);
    // All that was sent, in whole chunks.
    while ((await rightBytes(dir, large.file.name, large.served)) < 9 * CHUNK) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill(signal);
    const stopped = await ended;
    expect(stopped.code).toBe(code);
    expect(stopped.stderr).toMatch(/^[\d.]+ MB of unfinished files are kept in /m);
    expect(document(stopped)).toMatchObject({
      ok: false,
      error: { code: code === 130 ? 'ABORTED' : 'TERMINATED' },
    });
    expect(existsSync(layout(dir).lock)).toBe(false);
    hold = false;
    const again = document(await run('download', '--json'));
    expect(again.files[0].status).toBe('resumed');
    expect(again.files[0].transferred).toBeLessThan(1_000_000);
    expect(await contents(dir)).toEqual(holding([large]));
  });
});

it('a file that is no archive is kept as it is served', async () => {
  const table = plainFile('meta.csv', Buffer.from('a,b\n1,2\n'));
  const server = await serveFiles({ 'meta.csv': table.served });
  const { run, dir } = await place(server.url, [table]);
  expect((await run('download')).code).toBe(0);
  expect(await contents(dir)).toEqual(holding([table]));
});

it.skipIf(process.platform === 'win32')('a second Ctrl-C ends a run at once, whatever hangs', async () => {
  const server = await listen((_, response) => {
    response.writeHead(200, { 'content-length': '1000000' });
    response.write('a');
  });
  const { folder, dir, manifest } = await place(server.url);
  // A disk that does not answer: a thread that opens a pipe waits for its other end.
  const hook = join(folder, 'hang.mjs');
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await writeFile(
    hook,
    `import { open } from 'node:fs/promises';
     import { isMainThread } from 'node:worker_threads';
     if (isMainThread) open(${JSON.stringify(join(folder, 'pipe'))}).catch(() => {});`,
  );
  const env = { NODE_OPTIONS: `--import=${hook}` };
  const { child, ended } = startPcam(['download', '-d', dir, '--manifest', manifest], { env });
  child.stderr!.on('data', (words) => {
    if (/Stopping/.test(String(words))) child.kill('SIGINT');
  });
  while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const started = performance.now();
  child.kill('SIGINT');
  const { code, signal } = await ended;
  expect(code === 130 || signal === 'SIGINT').toBe(true);
  expect(performance.now() - started).toBeLessThan(5000);
});

it('a current directory whose name is not UTF-8 is refused with one sentence', async () => {
  const folder = await temporaryFolder();
  const script = 'mkdir "$1/$(printf \'a\\377\')" && cd "$1"/a* && exec "$2" "$3" fixture small --train 2';
  const args = ['-c', script, 'sh', folder, process.execPath, PCAM];
  const { status, stderr } = spawnSync('sh', args, { encoding: 'utf8' });
  expect(status).toBe(5);
  expect(stderr).toMatch(/^pcam: the name of the current directory.*is not UTF-8\n {2}rename it/);
  expect(await readdir(folder)).toHaveLength(1);
});

describe('a Node.js that is too old', () => {
  it.each(['16.20.2', '18.20.8', '20.18.0'])('%s is told in one sentence', async (version) => {
    const folder = await temporaryFolder();
    const hook = join(folder, 'old.mjs');
    const versions = `{ ...process.versions, node: '${version}' }`;
    await writeFile(hook, `Object.defineProperty(process, 'versions', { value: ${versions} });`);
    const { ended } = startPcam(['--version'], { env: { NODE_OPTIONS: `--import=${hook}` } });
    const { code, stdout, stderr } = await ended;
    expect([code, stdout]).toEqual([5, '']);
    expect(stderr).toMatch(
      new RegExp(`^pcam: Node.js \\d[\\d.]+ or later is needed, and this is ${version}; get one .*\\n$`),
    );
  });
});

describe('a folder that is near', () => {
  it('is named in place of a second download', async () => {
    const folder = await temporaryFolder();
    const pcam = (cwd: string, ...args: string[]) => startPcam(args, { cwd }).ended;
    const sizes = ['--train', '4', '--valid', '2', '--test', '2'];
    expect((await pcam(folder, 'fixture', 'served', ...sizes)).code).toBe(0);
    const manifest = ['--manifest', join(folder, 'served', 'manifest.json')];
    const data = join(folder, 'd1', 'pcam');
    expect((await pcam(folder, 'download', ...manifest, '--dir', data)).code).toBe(0);
    const [above, inside, state, verified] = await Promise.all([
      pcam(folder, 'download', ...manifest, '--dir', 'd1'),
      pcam(data, 'download', ...manifest),
      pcam(data, ...manifest),
      pcam(data, 'verify', ...manifest),
    ]);
    for (const { code, stderr } of [above, inside]) {
      expect([code, stderr]).toEqual([2, expect.stringContaining(`has no images, and ${data} has`)]);
    }
    expect(state.stdout).toContain(`it is in ${data}.`);
    expect(state.stderr).toMatch(/ info --dir \. /);
    expect([verified.code, verified.stderr]).toEqual([3, expect.stringContaining('it is in .: name it')]);
    expect(existsSync(join(data, 'pcam'))).toBe(false);
  });
});
