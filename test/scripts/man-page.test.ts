/** The man page, as man and groff read it. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '#pcam/commands/program.js';
import { requireTool } from '../support/tools.js';

const man = await requireTool('man');
const PAGE = fileURLToPath(new URL('../../man/pcam.1', import.meta.url));

describe.skipIf(!man)('man pcam', () => {
  it('is set without a warning, and has every command, its options, and the exit codes', async () => {
    const env = { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '100', MAN_KEEP_FORMATTING: '' };
    const args = ['--warnings', '-E', 'UTF-8', '-Tutf8', '-P', 'cat', '-l', PAGE];
    const { stdout, stderr } = await promisify(execFile)(man!, args, { env });
    expect(stderr).toBe('');
    const text = stdout.replace(/.[\b]/g, '');
    expect(text).toContain('pcam - get, verify, explore and export the PatchCamelyon data set');
    for (const { name } of COMMANDS) expect(text).toContain(`pcam ${name}`);
    for (const word of ['--limit-rate <speed>', '--format <name>', 'PCAM_MANIFEST', '130 / 143'])
      expect(text).toContain(word);
  });
});

it('is a list in package.json: npm links no man page of a global install where it is a string', async () => {
  const { man: pages } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(pages).toEqual(['man/pcam.1']);
});
