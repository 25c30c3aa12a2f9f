/** The field check against hosts that are known: what is as expected, and what is told of those that are not. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createFixture } from '#pcam/fixture/fixture.js';
import { type Script, startServer } from '../support/fault-server.js';
import { start } from '../support/process.js';
import { sharedFolder, temporaryFolder } from '../support/temp.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/field-check.js', import.meta.url));

let root: { folder: string; remove: () => Promise<void> };
beforeAll(async () => {
  root = await sharedFolder();
  await createFixture({ dir: root.folder, train: 64, valid: 64, test: 64 });
});
afterAll(() => root.remove());

async function check(fault?: Script) {
  const server = await startServer({ folder: root.folder, redirects: true, scanOver: 100_000, fault });
  onTestFinished(server.close);
  const manifest = JSON.parse(await readFile(join(root.folder, 'manifest.json'), 'utf8'));
  manifest.sources = {
    gdrive: { type: 'google-drive', baseUrl: server.url },
    zenodo: { type: 'zenodo', baseUrl: server.url, record: '2546921' },
  };
  const path = join(await temporaryFolder(), 'manifest.json');
  await writeFile(path, JSON.stringify(manifest));
  const ended = await start(SCRIPT, ['--manifest', path]).ended;
  return { ...ended, server, lines: ended.stdout.split('\n') };
}

it('says that all is as expected, how the arrays lie in their files, and what was answered', async () => {
  const { code, stdout, stderr, lines, server } = await check();
  expect(stderr).toBe('asking gdrive …\nasking zenodo …\n');
  expect(code).toBe(0);
  expect(stdout).toContain('All is as expected.');
  expect(stdout).not.toContain('**no**');
  for (const id of ['gdrive', 'zenodo']) {
    expect(lines).toContain(`| ok | ${id}: valid_x.h5.gz, shape of x | 64 x 96 x 96 x 3 | the same |`);
    const layout = `| ok | ${id}: valid_x.h5.gz, layout | not published | contiguous at byte 2048, uint8, filters: none |`;
    expect(lines).toContain(layout);
    expect(stdout).toMatch(
      new RegExp(`\\| ok \\| ${id}: train_y\\.h5\\.gz, sha256 \\| [0-9a-f]{64} \\| the same \\|`),
    );
  }
  expect(stdout).toMatch(/Speed: [\d.]+ [kM]B\/s over [\d.]+ [kM]B, the first reply after \d+ ms/);
  // The way through Google Drive: a redirect, the page, the file.
  expect(stdout).toMatch(
    /\/download\?export&id -> 303[\s\S]+-> 200\n[\s\S]+\?id&export&confirm&uuid -> 206\n/,
  );
  expect(stdout).toMatch(/ {4}x-ratelimit-limit: 133/);
  expect(server.requests.every(({ headers }) => headers['user-agent']?.startsWith('pcam/'))).toBe(true);
});

it('says which host did what: a wrong size, a used-up quota, a refusal; and shows no secret', async () => {
  const cookie = { 'set-cookie': 'SID=HUSH; Path=/', 'x-secret': 'HUSH' };
  const { code, stdout, lines } = await check(({ source, name, step }) => {
    if (source === 'google-drive' && /valid_x/.test(name) && step === 'file') return { page: 'quota' };
    if (source === 'google-drive' && step === 'file') return { headers: cookie };
    if (source === 'zenodo' && /test_y/.test(name))
      return { status: 403, headers: { 'retry-after': '6', ...cookie } };
    if (source === 'zenodo' && /train_x/.test(name)) return { size: 12_345_678, headers: cookie };
    return undefined;
  });
  expect(code).toBe(1);
  expect(stdout).toContain('3 of ');
  expect(lines.filter((line) => line.startsWith('| **no** |'))).toEqual([
    expect.stringMatching(/gdrive: valid_x\.h5\.gz \| the file \| Google Drive's quota .*Too many users/),
    expect.stringMatching(/zenodo: train_x\.h5\.gz, in ranges \| \d+ bytes \| 12345678 bytes/),
    expect.stringMatching(
      /zenodo: test_y\.h5\.gz \| the file \| 127\.0\.0\.1:\d+ answered 403 \(refused, "403"\)/,
    ),
  ]);
  expect(stdout).toMatch(/-> 403\n {4}content-type: text\/html.*\n {4}retry-after: 6/);
  expect(stdout).not.toMatch(/HUSH|set-cookie|uuid=/);
});
