/** The disk says no, or somebody else writes in the folder: a clear end, nothing lost, and the next run goes on. */
import { spawn } from 'node:child_process';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { download } from '#pcam/download/download.js';
import { verify } from '#pcam/verify/verify.js';
import { type Script, sourceAt, startServer } from '../support/fault-server.js';
import { runPcam } from '../support/in-process.js';
import { type Mini, type MiniFile, makeMini } from '../support/mini.js';
import { partialPaths, putPartial } from '../support/part.js';
import { endOf, ownEnvironment, PCAM } from '../support/process.js';
import { canMount, smallDisk } from '../support/small-disk.js';
import { sharedFolder } from '../support/temp.js';

const MB = 1024 * 1024;
const mountable = await canMount();

const root = await sharedFolder();
afterAll(root.remove);
let folders = 0;
/** Concurrent tests cannot tell vitest when they are over, so all share a folder of folders. */
const fresh = () => join(root.folder, String(folders++));

interface Setup {
  mini: Mini;
  url: string;
  manifest: ReturnType<Mini['manifest']>;
  sent(): number;
}

async function serve(files: readonly MiniFile[], fault?: Script): Promise<Setup & AsyncDisposable> {
  const mini = await makeMini(join(fresh(), 'served'), files);
  const server = await startServer({ folder: mini.folder, fault });
  return {
    mini,
    url: server.url,
    manifest: mini.manifest({ web: sourceAt('http', server.url) }),
    sent: () => server.requests.reduce((sum, request) => sum + request.sent, 0),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

async function expectRight(dir: string, { contents }: Mini): Promise<void> {
  for (const [name, content] of contents) {
    expect(content.equals(await readFile(join(dir, name))), name).toBe(true);
  }
}

const finals = async (dir: string) =>
  (await readdir(dir).catch(() => [] as string[])).filter((name) => name !== '.pcam');

describe.skipIf(!mountable).concurrent('a full disk', () => {
  // Without a size in the manifest pcam cannot know beforehand, as when another program fills the disk meanwhile.
  const archive: MiniFile = { bytes: 4 * MB, gzip: true, sizeUnknown: true };

  test('is noticed before anything is fetched, where the sizes are known', async () => {
    await using setup = await serve([{ bytes: 4 * MB, gzip: true }]);
    await using disk = await smallDisk(3 * MB);
    const dir = join(disk.folder, 'pcam');
    await expect(download({ dir, manifest: setup.manifest })).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(setup.sent()).toBe(0);
  });

  test('in transfer: what came is kept, and the next run continues', async () => {
    await using setup = await serve([archive]);
    await using disk = await smallDisk(2.5 * MB);
    const dir = join(disk.folder, 'pcam');
    const first = await download({ dir, manifest: setup.manifest });
    expect(first.files[0]).toMatchObject({ status: 'failed', error: { code: 'DISK_FULL' } });
    // Part, journal and decompressed file grow side by side: any of them can be the first to find no room.
    expect(first.files[0]!.error!.message).toContain('.pcam');
    expect(await finals(dir)).toEqual([]);
    await disk.resize(32 * MB);
    const second = await download({ dir, manifest: setup.manifest });
    expect(second.files[0]!.status).toBe('resumed');
    expect(second.files[0]!.transferred).toBeLessThan(3.2 * MB);
    await expectRight(dir, setup.mini);
  });

  test('in decompression: the archive is kept, and nothing is fetched again', async () => {
    await using setup = await serve([{ ...archive, compressible: true }]);
    await using disk = await smallDisk(MB);
    const dir = join(disk.folder, 'pcam');
    const first = await download({ dir, manifest: setup.manifest });
    expect(first.files[0]).toMatchObject({ status: 'failed', error: { code: 'DISK_FULL' } });
    expect(first.files[0]!.error!.message).toMatch(/tmp.*_x\.h5$/);
    expect(await finals(dir)).toEqual([]);
    await disk.resize(32 * MB);
    const second = await download({ dir, manifest: setup.manifest });
    expect(second.files[0]).toMatchObject({ status: 'resumed', transferred: 0 });
    await expectRight(dir, setup.mini);
  });

  test('in the journal', async () => {
    await using setup = await serve([{ bytes: 4 * MB, sizeUnknown: true }]);
    await using disk = await smallDisk(5 * MB);
    const dir = join(disk.folder, 'pcam');
    const [name] = setup.mini.names;
    const content = setup.mini.served.get(name!)!;
    const [file] = setup.manifest.files;
    // The partial download has all the room that it needs, and then there is none left for a journal.
    await putPartial(dir, file!, { content, chunks: [] });
    await fill(join(dir, 'ballast'));
    // The journal is not the only file without room: the lock is the first to say so.
    const first = await download({ dir, manifest: setup.manifest }).catch((error) => error);
    expect(first).toMatchObject({ code: 'DISK_FULL' });
    rmSync(join(dir, 'ballast'));
    await fill(join(dir, 'ballast'), 1);
    const second = await download({ dir, manifest: setup.manifest }).catch((error) => error);
    expect(second.files?.[0].error ?? second).toMatchObject({ code: 'DISK_FULL' });
    rmSync(join(dir, 'ballast'));
    await download({ dir, manifest: setup.manifest });
    await expectRight(dir, setup.mini);
  });

  test('does no harm where all is there and right', async () => {
    await using setup = await serve([{ bytes: 1 * MB, gzip: true }]);
    await using disk = await smallDisk(8 * MB);
    const dir = join(disk.folder, 'pcam');
    await download({ dir, manifest: setup.manifest });
    await fill(join(disk.folder, 'ballast'));
    const { ok, files } = await download({ dir, manifest: setup.manifest });
    expect(ok).toBe(true);
    expect(files.map(({ status, path }) => [status, path])).toEqual([
      ['present', join(dir, setup.mini.finals[0]!)],
    ]);
  });

  test('the command says so, and exits with 5', async () => {
    await using setup = await serve([archive]);
    await using disk = await smallDisk(2.5 * MB);
    const manifest = join(setup.mini.folder, 'for-cli.json');
    await writeFile(manifest, JSON.stringify(setup.mini.json({ web: sourceAt('http', setup.url) })));
    const args = ['download', '--manifest', manifest, '--dir', join(disk.folder, 'pcam'), '--json'];
    const { code, stdout, stderr } = await runPcam(args);
    expect(code).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, files: [{ error: { code: 'DISK_FULL' } }] });
    expect(stderr).toContain('run it again');
  });
});

/** Fills a disk up to the last page, or but for a few. */
async function fill(path: string, but = 0): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for (;;) {
      writeFileSync(path, Buffer.alloc(4096), { flag: 'a' });
      chunks.push(Buffer.alloc(0));
    }
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    truncateSync(path, Math.max(0, chunks.length - but) * 4096);
  }
}

describe.skipIf(process.platform !== 'linux').concurrent('a limit on the size of a file', () => {
  test.each([[[]], [['--dry-run']]])('is known before anything is fetched (%j)', async (more) => {
    await using setup = await serve([{ bytes: 4 * MB, gzip: true }]);
    const manifest = join(setup.mini.folder, 'for-cli.json');
    await writeFile(manifest, JSON.stringify(setup.mini.json({ web: sourceAt('http', setup.url) })));
    const args = ['download', '--manifest', manifest, '--dir', join(fresh(), 'pcam'), '--json', ...more];
    // In units of 1024 bytes.
    const limited = ['-c', 'ulimit -f 2048; exec "$0" "$@"', process.execPath, PCAM, ...args];
    const child = spawn('bash', limited, { env: ownEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
    const { code, stdout } = await endOf(child);
    expect(code).toBe(5);
    const { error, files } = JSON.parse(stdout);
    expect(error ?? files[0].error).toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining('2.10 MB at most: that is the limit of this process'),
    });
    expect(setup.sent()).toBe(0);
  });
});

describe.skipIf(!mountable).concurrent('a read-only disk', () => {
  test('is no place to download to', async () => {
    await using setup = await serve([{ bytes: 1000 }]);
    await using disk = await smallDisk(MB);
    await disk.readOnly();
    const dir = join(disk.folder, 'pcam');
    await expect(download({ dir, manifest: setup.manifest })).rejects.toMatchObject({
      code: 'NO_PERMISSION',
    });
    expect(setup.sent()).toBe(0);
  });

  test('can be verified, and needs no download where all is there', async () => {
    await using setup = await serve([{ bytes: 100_000, gzip: true }]);
    await using disk = await smallDisk(4 * MB);
    const dir = join(disk.folder, 'pcam');
    await download({ dir, manifest: setup.manifest });
    await disk.readOnly();
    expect((await verify({ dir, manifest: setup.manifest })).ok).toBe(true);
    const again = await download({ dir, manifest: setup.manifest });
    expect(again.files.map(({ status }) => status)).toEqual(['present']);
    const forced = download({ dir, manifest: setup.manifest, force: true });
    await expect(forced).rejects.toMatchObject({ code: 'NO_PERMISSION' });
  });
});

describe.concurrent('under a running download', () => {
  /** Does something once, when the server is asked for the second range. */
  function atSecondRange(act: () => void): Script {
    let done = false;
    return ({ range }) => {
      if (done || !range || range.start === 0) return undefined;
      done = true;
      act();
      // The rest comes late enough for the damage to be done to bytes that are there.
      return { after: 300_000, ending: 'reset' };
    };
  }

  const file: MiniFile = { bytes: 9 * MB, gzip: true };
  const partialOf = (dir: string) => partialPaths(dir, 'camelyonpatch_level_2_split_valid_x.h5.gz')[0]!;
  const disasters: Record<string, (path: string) => void> = {
    'the partial download is removed': (path) => rmSync(path),
    'the partial download is cut to nothing': (path) => truncateSync(path, 0),
    'the partial download is cut in the middle': (path) => truncateSync(path, 100_000),
    'the partial download is replaced': (path) => {
      rmSync(path);
      writeFileSync(path, 'something else');
    },
    'all partial downloads are removed': (path) => rmSync(dirname(path), { recursive: true }),
  };

  test.each(Object.keys(disasters))('%s: the result is right', async (name) => {
    const mine = fresh();
    await using setup = await serve(
      [file],
      atSecondRange(() => disasters[name]!(partialOf(mine))),
    );
    const result = await download({ dir: mine, manifest: setup.manifest, pauses: { first: 20 } });
    expect(result.files[0]!.error).toBeUndefined();
    await expectRight(mine, setup.mini);
  });

  test('bytes that change on the disk are not blamed on the source', async () => {
    const mine = fresh();
    const notices: string[] = [];
    await using setup = await serve(
      [file],
      atSecondRange(() => truncateSync(partialOf(mine), 0)),
    );
    const result = await download({
      dir: mine,
      manifest: setup.manifest,
      pauses: { first: 20 },
      onEvent: (event) => {
        if (event.type === 'notice') notices.push(event.message);
        expect(event.type).not.toBe('drop');
      },
    });
    expect(result.ok).toBe(true);
    expect(notices.join()).not.toMatch(/is wrong: MD5/);
  });
});

test('a clock that jumps back an hour does not matter', async () => {
  const dir = fresh();
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    let n = 0;
    await using setup = await serve([{ bytes: 9 * MB }], () => {
      vi.setSystemTime(Date.now() - 3_600_000);
      if (n++ > 1) return undefined;
      const [date, later] = [new Date().toUTCString(), new Date(Date.now() + 1000).toUTCString()];
      return { status: 429, headers: { date, 'retry-after': later } };
    });
    const result = await download({ dir, manifest: setup.manifest, pauses: { first: 20 } });
    expect(result.files[0]!.error).toBeUndefined();
    await expectRight(dir, setup.mini);
    expect((await verify({ dir, manifest: setup.manifest, quick: true })).ok).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});
