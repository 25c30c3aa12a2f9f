/** What the system says, in words: the right cause, the right advice, and never "a bug" for what the machine does. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { factsOf, fsError, systemCode } from '#pcam/core/system-errors.js';
import { PCAM } from '../support/process.js';
import { canMount, smallDisk } from '../support/small-disk.js';
import { temporaryFolder } from '../support/temp.js';

const mountable = await canMount();
const isLinux = process.platform === 'linux';

function systemError(code: string, more: object = {}): Error {
  return Object.assign(new Error(`${code}: said the system`), { code, syscall: 'read', ...more });
}

describe('an error of the system', () => {
  it.each([
    ['ENOSPC', 'DISK_FULL', 'the disk is full while reading x'],
    ['EDQUOT', 'DISK_FULL', 'your disk quota is used up (EDQUOT) while reading x'],
    ['EFBIG', 'IO', 'the file would be larger than a limit allows (EFBIG) while reading x'],
    ['EIO', 'IO', 'EIO while reading x'],
    ['ESTALE', 'IO', 'the file server has replaced or lost a file (ESTALE) while reading x'],
    ['EUCLEAN', 'IO', 'the file system is damaged (EUCLEAN) while reading x'],
    ['EROFS', 'NO_PERMISSION', 'the file system is read-only (EROFS) while reading x'],
    ['EACCES', 'NO_PERMISSION', 'no permission (EACCES) while reading x'],
    ['EBUSY', 'IO', 'open in another program (EBUSY) while reading x'],
    ['EMFILE', 'IO', 'too many open files (EMFILE) while reading x'],
    ['EWHAT', 'IO', 'system error EWHAT while reading x'],
  ])('%s is %s', (system, code, message) => {
    const error = fsError(systemError(system), 'reading x');
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(error.hint === undefined).toBe(system === 'EWHAT');
  });

  it.skipIf(!isLinux).each([
    [-122, 'EDQUOT'],
    [-116, 'ESTALE'],
    [-117, 'EUCLEAN'],
  ])('that libuv has no name for (%i) is %s', (errno, code) => {
    expect(systemCode(systemError(`Unknown system error ${errno}`, { errno }))).toBe(code);
  });

  it('of a rename that is refused may come from another program', () => {
    const { message, code } = fsError(systemError('EPERM', { syscall: 'rename' }), 'putting x into place');
    expect(code).toBe('NO_PERMISSION');
    expect(message).toContain('or the file is open in another program');
  });

  it.each(['EIO', 'ENOSPC', 'EDQUOT', 'EFBIG', 'ESTALE', 'EUCLEAN', 'EMFILE'])(
    '%s is no bug of pcam, wherever it comes up',
    (code) => {
      expect(factsOf(systemError(code, { path: '/data/x' })).code).toMatch(/^(IO|DISK_FULL)$/);
    },
  );

  it('in an unexpected place is a bug where the machine is not at fault', () => {
    expect(factsOf(systemError('ENOENT')).code).toBe('INTERNAL');
    expect(factsOf(new TypeError('x is not a function')).code).toBe('INTERNAL');
  });
});

describe('a limit', () => {
  it.skipIf(!isLinux)('on the size of files is not called a full disk', async () => {
    const dir = join(await temporaryFolder(), 'new');
    const command = `ulimit -f 64; exec "$0" "$1" fixture "$2" --train 64 --valid 8 --test 8 --json`;
    const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) =>
      execFile('bash', ['-c', command, process.execPath, PCAM, dir], (error, out) =>
        resolve({ code: error?.code, stdout: out }),
      ),
    );
    expect(code).toBe(5);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'IO', message: expect.stringContaining('EFBIG') });
  });

  it.skipIf(!mountable)('on the number of files is not called a full disk', async () => {
    await using disk = await smallDisk(1024 * 1024, { inodes: 4 });
    const error = await (async () => {
      for (let i = 0; i < 8; i++) await writeFile(join(disk.folder, String(i)), '');
    })().catch((caught) => caught);
    expect(fsError(error, 'writing')).toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining('no inode'),
    });
  });
});
