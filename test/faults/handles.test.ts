/** However a download ends, nothing is left running: no socket, timer, worker or file, and the process can end. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fault, script, sourceAt, startServer, type Zone } from '../support/fault-server.js';
import { type Mini, makeMini } from '../support/mini.js';
import { start } from '../support/process.js';
import { sharedFolder } from '../support/temp.js';

const SCRIPT = fileURLToPath(new URL('../support/one-download.mjs', import.meta.url));

let root: { folder: string; remove: () => Promise<void> };
let mini: Mini;

beforeAll(async () => {
  root = await sharedFolder();
  mini = await makeMini(join(root.folder, 'served'), [{ bytes: 3 * 1024 * 1024, gzip: true }]);
});

afterAll(() => root.remove());

interface Row {
  name: string;
  fault?: Fault;
  zone?: Zone;
  abortAfter?: number;
  rate?: number;
  result: string;
}

/** So slow that the first request does not have all of the file before others ask for its later parts. */
const SLOW = 8_000_000;

const ROWS: Row[] = [
  { name: 'success', result: 'downloaded' },
  {
    name: 'a stall that stays',
    fault: { after: 0, ending: 'stall' },
    zone: 'later',
    rate: SLOW,
    result: 'NO_SOURCE',
  },
  { name: 'no reply', fault: { silent: true }, zone: 'first', result: 'NO_SOURCE' },
  { name: 'resets', fault: { refuse: 'reset' }, zone: 'last', result: 'NO_SOURCE' },
  {
    name: 'a page in place of the file',
    fault: { page: 'html' },
    zone: 'later',
    rate: SLOW,
    result: 'NO_SOURCE',
  },
  { name: 'wrong bytes', fault: { flip: 9 }, zone: 'first', result: 'DIGEST_MISMATCH' },
  { name: 'an abort in the middle', rate: 4_000_000, abortAfter: 1_000_000, result: 'ABORTED' },
];

describe.concurrent('nothing is left running after', () => {
  test.each(ROWS)('$name', async ({ name, fault, zone = 'first', abortAfter, rate, result }) => {
    const server = await startServer({
      folder: mini.folder,
      fault: fault && script(fault, { zone, times: 'always' }),
      rate,
    });
    const id = join(root.folder, name.replaceAll(' ', '-'));
    try {
      await writeFile(`${id}.json`, JSON.stringify(mini.json({ web: sourceAt('http', server.url) })));
      const args = [`${id}.json`, id, ...(abortAfter === undefined ? [] : [String(abortAfter)])];
      const { code, stdout } = await start(SCRIPT, args).ended;
      expect(JSON.parse(stdout)).toEqual({ result, left: [], problems: [] });
      expect(code).toBe(0);
    } finally {
      await server.close();
    }
  });
});
