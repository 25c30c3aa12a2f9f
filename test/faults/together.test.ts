/** Two at once: a lock with a clear message, or the right result. And locks that nobody holds any more. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import { verify } from '#pcam/verify/verify.js';
import { sourceAt, startServer } from '../support/fault-server.js';
import { type Mini, makeMini } from '../support/mini.js';
import { startPcam } from '../support/process.js';
import { sharedFolder } from '../support/temp.js';

const root = await sharedFolder();
afterAll(root.remove);
let folders = 0;
const fresh = () => join(root.folder, String(folders++));

/** A server that answers nobody before the gate is opened, and tells when somebody stands before it. */
async function serve() {
  const mini = await makeMini(fresh(), [
    { bytes: 3_000_000, gzip: true },
    { bytes: 2000, kind: 'labels', gzip: true },
  ]);
  let open = () => {};
  let arrive = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const server = await startServer({
    folder: mini.folder,
    fault: async ({ name }) => {
      if (!/_x/.test(name)) return undefined;
      arrive();
      await gate;
      return undefined;
    },
  });
  const sources = { web: sourceAt('http', server.url) };
  const manifestPath = join(mini.folder, 'cli.json');
  await writeFile(manifestPath, JSON.stringify(mini.json(sources)));
  return { mini, manifestPath, manifest: mini.manifest(sources), open, arrived, close: () => server.close() };
}

async function expectRight(dir: string, { contents }: Mini): Promise<void> {
  for (const [name, content] of contents) {
    expect(content.equals(await readFile(join(dir, name))), name).toBe(true);
  }
}

describe.concurrent('two at once', () => {
  test('a second download reports which process uses the folder, and exits with 5; the first is not disturbed', async () => {
    const { mini, manifestPath, open, arrived, close } = await serve();
    const dir = fresh();
    const args = ['download', '--manifest', manifestPath, '--dir', dir];
    const first = startPcam(args);
    try {
      await arrived;
      const second = await startPcam([...args, '--json']).ended;
      expect(second.code).toBe(5);
      expect(JSON.parse(second.stdout)).toMatchObject({ ok: false, error: { code: 'LOCKED' } });
      expect(second.stderr).toContain(`process ${first.child.pid} on ${hostname()} (pcam download)`);
      open();
      expect((await first.ended).code).toBe(0);
      await expectRight(dir, mini);
    } finally {
      await close();
    }
  });

  test('the same in one process', async () => {
    const { mini, manifest, open, arrived, close } = await serve();
    const dir = fresh();
    try {
      const first = download({ dir, manifest });
      await arrived;
      await expect(download({ dir, manifest })).rejects.toMatchObject({ code: 'LOCKED' });
      await expect(verify({ dir, manifest, fix: true })).rejects.toMatchObject({ code: 'LOCKED' });
      open();
      expect((await first).ok).toBe(true);
      await expectRight(dir, mini);
    } finally {
      await close();
    }
  });

  test('verify during a download says what is there and what is under way', async () => {
    const { mini, manifest, open, arrived, close } = await serve();
    const dir = fresh();
    let labelsDone = () => {};
    const labels = new Promise<void>((resolve) => {
      labelsDone = resolve;
    });
    try {
      const first = download({
        dir,
        manifest,
        onEvent: (event) => event.type === 'end' && /_y/.test(event.task) && labelsDone(),
      });
      await Promise.all([arrived, labels]);
      const { ok, files } = await verify({ dir, manifest });
      expect(ok).toBe(false);
      expect(files.map(({ status }) => status)).toEqual(['partial', 'ok']);
      open();
      expect((await first).ok).toBe(true);
      await expectRight(dir, mini);
      expect((await verify({ dir, manifest })).ok).toBe(true);
    } finally {
      await close();
    }
  });

  test('verify all the time while files arrive never sees a wrong one', async () => {
    const { manifest, open, close } = await serve();
    const dir = fresh();
    open();
    try {
      let over = false;
      const first = download({ dir, manifest, limitRate: 6_000_000 }).finally(() => {
        over = true;
      });
      while (!over) {
        for (const { status } of (await verify({ dir, manifest })).files) {
          expect(['missing', 'partial', 'ok']).toContain(status);
        }
      }
      expect((await first).files.map(({ error }) => error)).toEqual([undefined, undefined]);
    } finally {
      await close();
    }
  });
});

describe('a lock', () => {
  test('is let go when the process is killed, by being recognised as dead', async () => {
    const { mini, manifestPath, manifest, open, arrived, close } = await serve();
    const dir = fresh();
    try {
      const { child } = startPcam(['download', '--manifest', manifestPath, '--dir', dir]);
      await arrived;
      child.kill('SIGKILL');
      await once(child, 'close');
      open();
      expect((await download({ dir, manifest })).ok).toBe(true);
      await expectRight(dir, mini);
    } finally {
      await close();
    }
  });
});
