/** What becomes of a command whose output or surroundings are taken away: an end in good order, with its exit code. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import { createFixture } from '#pcam/fixture/fixture.js';
import { PCAM } from '../support/process.js';
import { serveFiles } from '../support/server.js';
import { sharedFolder } from '../support/temp.js';

/** What takes longer hangs (ms); a busy machine needs half of it to start node and its threads. */
const LONGEST = 45_000;

let root: Awaited<ReturnType<typeof sharedFolder>>;
let manifest: string;
let folders = 0;
const fresh = () => join(root.folder, String(folders++));

/** A copy of the data set, in a folder of its own. */
async function downloaded(): Promise<string> {
  const folder = fresh();
  await cp(join(root.folder, 'master'), folder, { recursive: true, preserveTimestamps: true });
  return folder;
}

beforeAll(async () => {
  root = await sharedFolder();
  ({ manifest } = await createFixture({ dir: join(root.folder, 'served'), train: 4, valid: 2, test: 2 }));
  await download({ dir: join(root.folder, 'master'), manifest });
});
afterAll(() => root.remove());

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a line of bash in which `$pcam` is the command and `$m` its manifest; the code is that of the command. */
function bash(line: string, variables: Record<string, string> = {}): Promise<Outcome> {
  const env = { ...process.env, pcam: `${process.execPath} ${PCAM}`, m: manifest, ...variables };
  const script = `set -o pipefail; ${line}`;
  return new Promise((resolve) => {
    execFile('bash', ['-c', script], { env, timeout: LONGEST }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr });
    });
  });
}

async function expectReleased(dir: string): Promise<void> {
  expect(existsSync(join(dir, '.pcam', 'lock'))).toBe(false);
  expect(await readdir(join(dir, '.pcam', 'tmp'))).toEqual([]);
}

describe('lost messages do not end the work', () => {
  test.each([
    ['a reader that is gone', '$pcam download --manifest $m --dir $d 2>&1 | true; exit $PIPESTATUS'],
    ['a reader of one line', '$pcam download --manifest $m --dir $d 2>&1 | head -1; exit $PIPESTATUS'],
    ['a full disk under the log', '$pcam download --manifest $m --dir $d 2>/dev/full'],
    ['a closed stderr', '$pcam download --manifest $m --dir $d 2>&-'],
  ])('%s', async (_, line) => {
    const d = fresh();
    expect((await bash(line, { d })).code).toBe(0);
    await expectReleased(d);
    expect((await readdir(d)).length).toBe(10);
  });
});

describe('lost output', () => {
  test.each(['verify', 'info', 'export --format raw --out $o', 'download', 'stats', 'cache-key'])(
    'of %s on a full disk is exit code 5 and one line',
    async (command) => {
      const [d, o] = [await downloaded(), fresh()];
      const json = command === 'cache-key' ? '' : '--json';
      const line = `$pcam ${command} ${json} --manifest $m --dir $d > /dev/full`;
      const { code, stderr } = await bash(line, { d, o });
      expect(code).toBe(5);
      expect(stderr).toContain('the output could not be written (ENOSPC)');
      expect(stderr).not.toMatch(/^\s+at /m);
      await expectReleased(d);
    },
  );

  test('of a reader that has seen enough is no error of its own', async () => {
    const { code, stderr } = await bash('$pcam info --manifest $m | head -1; exit $PIPESTATUS');
    expect([0, 130]).toContain(code);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('a directory that cannot be made is exit code 5 within seconds', () => {
  test.each([
    'fixture /proc/x',
    'download --manifest $m --dir /proc/x',
    'verify --fix --manifest $m --dir /proc/x/y',
    'export --format raw --manifest $m --dir $d --out /proc/x/y',
  ])('%s', async (command) => {
    const d = await downloaded();
    const began = performance.now();
    const { code, stderr } = await bash(`$pcam ${command}`, { d });
    expect(code).toBe(5);
    expect(stderr).toContain('no directory can be made at /proc/x');
    expect(performance.now() - began).toBeLessThan(20_000); // a busy machine takes a while to start node
  });
});

describe('a local error', () => {
  test.each(['download --manifest $m', 'fixture new', 'info --manifest $m', 'verify --manifest $m'])(
    'a current directory that was removed: %s',
    async (command) => {
      const gone = fresh();
      const { code, stderr } = await bash(`mkdir $gone && cd $gone && rmdir $gone && $pcam ${command}`, {
        gone,
      });
      expect([0, 3, 5]).toContain(code);
      if (/download|fixture/.test(command)) {
        expect(code).toBe(5);
        expect(stderr).toContain('the current directory has been removed');
      }
      expect(stderr).not.toContain('a bug in pcam');
    },
  );

  // The data are sound: what fails for want of something must not be blamed on a file, or on a source.
  test.each([
    ['ulimit -n 64', 'download --jobs 9'],
    ['ulimit -n 64', 'export --format raw --workers 8 --out $o'],
    ['ulimit -n 48', 'export --format raw --workers 8 --out $o'],
    ['ulimit -n 64', 'stats --workers 8'],
    ['ulimit -n 64', 'verify --deep'],
    ['ulimit -v 6000000', 'stats'],
    ['ulimit -v 6000000', 'verify --deep'],
  ])('%s: %s', async (limit, command) => {
    const [d, o] = [command.startsWith('download') ? fresh() : await downloaded(), fresh()];
    const { code, stderr } = await bash(`${limit}; $pcam ${command} --manifest $m --dir $d`, { d, o });
    expect([0, 5], stderr).toContain(code);
    expect(stderr).toContain(code === 5 ? limit.replace(/ \d+$/, '') : '');
    expect(stderr).not.toContain('a bug in pcam');
  });

  test('ulimit -v 6000000: download over HTTP', async () => {
    const names = await readdir(join(root.folder, 'served'));
    const files = names.map(
      async (name) => [name, await readFile(join(root.folder, 'served', name))] as const,
    );
    const { url } = await serveFiles(Object.fromEntries(await Promise.all(files)));
    const line = 'ulimit -v 6000000; $pcam download --mirror $url --manifest $m --dir $d';
    const { code, stderr } = await bash(line, { d: fresh(), url });
    expect([0, 5], stderr).toContain(code);
    expect(stderr).toContain(code === 5 ? 'ulimit -v' : '');
    expect(stderr).not.toContain('giving up on');
  });

  test('little virtual memory is enough where V8 reserves none for WebAssembly', async () => {
    const line =
      'ulimit -v 6000000; NODE_OPTIONS=--disable-wasm-trap-handler $pcam stats --manifest $m --dir $d';
    const { code, stderr } = await bash(line, { d: await downloaded() });
    expect(code, stderr).toBe(0);
  });
});
