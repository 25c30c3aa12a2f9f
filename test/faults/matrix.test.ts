/** Each fault x {one source, two} x {first range, later range, last range} x {once, always}: cases.ts has the table. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download } from '#pcam/download/download.js';
import {
  closedPort,
  type FaultServer,
  makeCertificate,
  script,
  sourceAt,
  startServer,
  ZONES,
  type Zone,
} from '../support/fault-server.js';
import { type Mini, makeMini } from '../support/mini.js';
import { sharedFolder } from '../support/temp.js';
import { CASES, type Case, type Places } from './cases.js';

/** One piece, which four connections divide among them: a first range, later ones, and a last one. */
const BYTES = 3 * 1024 * 1024;
const NAME = 'camelyonpatch_level_2_split_valid_x.h5';
/** No cell takes longer than this (ms); most take half a second, and wait for a disk that others keep busy. */
const BOUND = 45_000;
/** Downloads until the fault is met, where there are two sources. */
const MOST_TRIES = 5;
/** A fault has twelve cells, and on a busy machine they wait for those of other faults. */
const LONGEST = 12 * BOUND;

let root: { folder: string; remove: () => Promise<void> };
let sized: Mini;
let unsized: Mini;
let healthy: FaultServer;
let untrusted: FaultServer;
let trusted: { key: string; cert: string };
let places: Places;
const limit = pLimit(8);

beforeAll(async () => {
  root = await sharedFolder();
  sized = await makeMini(join(root.folder, 'sized'), [{ bytes: BYTES }]);
  unsized = await makeMini(join(root.folder, 'unsized'), [{ bytes: BYTES, sizeUnknown: true }]);
  trusted = await makeCertificate();
  healthy = await startServer({ folder: sized.folder });
  untrusted = await startServer({ folder: sized.folder, tls: await makeCertificate() });
  places = { refusedPort: await closedPort(), untrustedUrl: untrusted.url, healthyUrl: healthy.url };
});

afterAll(async () => {
  await healthy.close();
  await untrusted.close();
  await root.remove();
});

interface Cell {
  row: Case;
  zone: Zone;
  times: 'once' | 'always';
  sources: 1 | 2;
}

let count = 0;

/** @returns whether the fault was met: of two sources, a busy machine may ask the healthy one for all later ranges */
async function run({ row, zone, times, sources }: Cell): Promise<boolean> {
  const { type = 'http', deadline = 10_000 } = row;
  const mini = row.sizeUnknown ? unsized : sized;
  const fault = script(row.fault(places), { zone, times });
  const faulty = await startServer({
    folder: mini.folder,
    fault: (request) => (request.path === '/loop' ? { redirect: '/loop' } : fault(request)),
    tls: row.tls && trusted,
    rate: row.rate,
  });
  // The healthy one has the same bytes, or none of its own where the size is unknown.
  const second = row.sizeUnknown ? await startServer({ folder: mini.folder }) : undefined;
  const dir = join(root.folder, `cell-${count++}`);
  const began = performance.now();
  const reasons: string[] = [];
  const first = { faulty: sourceAt(type, faulty.url) };
  const other: Record<string, object> =
    sources === 2 ? { healthy: sourceAt('http', (second ?? healthy).url) } : {};
  try {
    const result = await download({
      dir,
      manifest: mini.manifest(
        // The preferred source gets the first requests, and the other one the last.
        zone === 'last' ? { ...other, ...first } : { ...first, ...other },
      ),
      timeouts: { connect: 10_000, headers: deadline, stall: deadline },
      pauses: { first: 20, longest: 200, patience: 5000 },
      ca: row.tls && trusted.cert,
      onEvent: (event) => {
        if (event.type === 'pause' || event.type === 'drop') reasons.push(event.reason);
      },
    });
    expect(performance.now() - began).toBeLessThan(BOUND);
    const expected = sources === 2 ? 'done' : row[times];
    const [file] = result.files;
    // A fault that came once does not matter where another request for the same bytes was in progress.
    // One that lets 1 kB through at a time comes to an end where the last range has only a few of them.
    const { after = 0 } = row.fault(places);
    const lucky = file!.error === undefined && (times === 'once' || (zone === 'last' && after > 0));
    const done = expected === 'done' || lucky;
    if (done) {
      expect(file!.error?.message).toBeUndefined();
      expect((await readFile(join(dir, NAME))).equals(mini.served.get(NAME)!)).toBe(true);
    } else {
      expect(file).toMatchObject({ status: 'failed', error: { code: expected.code } });
      for (const words of [NAME, 'faulty']) expect(file!.error!.message).toMatch(words);
      // On a busy machine a short deadline may have the last word; the fault was told all the same.
      expect([file!.error!.message, ...reasons].join('\n')).toMatch(expected.reason);
    }
    await expectTidy(dir, done);
    return faulty.requests.some((request) => request.fault);
  } finally {
    await faulty.close();
    await second?.close();
  }
}

/** Nothing but right files under final names, and no lock or temporary file. */
async function expectTidy(dir: string, done: boolean): Promise<void> {
  // What failed before its first byte leaves no folder at all.
  const list = (folder: string) => readdir(folder, { recursive: true }).catch(() => [] as string[]);
  expect((await list(dir)).filter((name) => !name.startsWith('.pcam'))).toEqual(done ? [NAME] : []);
  const state = await list(join(dir, '.pcam'));
  const allowed = done
    ? /^(manifest\.json|partial|tmp|receipts|receipts\/[^/]*\.json)$/
    : /^(manifest\.json|partial|tmp|partial\/.*\.[0-9a-f]{16}(\.journal)?)$/;
  expect(state.filter((name) => !allowed.test(name))).toEqual([]);
}

describe.concurrent('a fault', () => {
  test.each(CASES)('$name', { timeout: LONGEST }, async (row) => {
    const cells = ([1, 2] as const).flatMap((sources) =>
      ZONES.flatMap((zone) =>
        (['once', 'always'] as const).map((times): Cell => ({ row, zone, times, sources })),
      ),
    );
    const problems: string[] = [];
    const met = async (cell: Cell) => {
      const most = cell.sources === 1 ? 1 : MOST_TRIES;
      for (let tries = 0; tries < most; tries++) if (await run(cell)) return;
      throw new Error(`the fault was not met in ${most} downloads`);
    };
    const one = async (cell: Cell) => {
      await met(cell).catch((error: Error) => {
        const { zone, times, sources } = cell;
        problems.push(`${sources} source(s), ${zone} range, ${times}: ${error.message}`);
      });
    };
    await Promise.all(cells.map((cell) => limit(() => one(cell))));
    if (problems.length > 0) expect.fail(problems.join('\n'));
  });
});
