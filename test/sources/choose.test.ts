/** Which sources a run uses, and in which order. */
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readManifest } from '#pcam/manifest/parse.js';
import { chooseSources } from '#pcam/sources/registry.js';
import { pcamError } from '../support/outcome.js';

const manifest = await readManifest();
const ids = (choice: Omit<Parameters<typeof chooseSources>[0], 'manifest'>) =>
  chooseSources({ manifest, ...choice }).map(({ id, type, baseUrl }) => `${id} ${type} ${baseUrl}`);
const DRIVE = 'gdrive google-drive https://drive.google.com';
const ZENODO = 'zenodo zenodo https://zenodo.org';

describe('chooseSources', () => {
  it.each([
    ['all by default', {}, [DRIVE, ZENODO]],
    ['the chosen, in the chosen order, once', { only: ['zenodo', 'gdrive', 'zenodo'] }, [ZENODO, DRIVE]],
    [
      'mirrors first',
      { mirrors: ['https://m/pcam/', '/data'] },
      ['mirror http https://m/pcam', 'mirror-2 file /data', DRIVE, ZENODO],
    ],
    [
      'mirrors with chosen sources',
      { mirrors: ['HTTP://m'], only: ['zenodo'] },
      ['mirror http HTTP://m', ZENODO],
    ],
    [
      'a folder as it is typed',
      { mirrors: ['some/folder'], only: ['zenodo'] },
      [`mirror file ${resolve('some/folder')}`, ZENODO],
    ],
    [
      'a drive of Windows',
      { mirrors: ['C:\\me@corp\\data'], only: ['zenodo'] },
      [`mirror file ${resolve('C:\\me@corp\\data')}`, ZENODO],
    ],
    [
      'a folder with a colon',
      { mirrors: ['./host:80'], only: ['zenodo'] },
      [`mirror file ${resolve('host:80')}`, ZENODO],
    ],
    ['a file: URL', { mirrors: ['file:///data/a%20b'], only: ['zenodo'] }, ['mirror file /data/a b', ZENODO]],
  ])('%s', (_, choice, expected) => {
    expect(ids(choice)).toEqual(expected);
  });

  it('does not take the id of a source for a mirror', () => {
    const sources = [{ id: 'mirror', type: 'http', baseUrl: 'https://own' }];
    const chosen = chooseSources({ manifest: { ...manifest, sources }, mirrors: ['https://m', 'https://n'] });
    expect(new Set(chosen.map(({ id }) => id)).size).toBe(3);
  });

  it.each([
    ['an unknown id', { only: ['zendo'] }, 'zenodo'],
    ['an id of every object', { only: ['constructor'] }, ''],
    ['another scheme', { mirrors: ['ftp://host/x'] }, ''],
    ['a URL that is none', { mirrors: ['http://'] }, ''],
    ['nothing', { mirrors: [''] }, ''],
    ['a host and a port', { mirrors: ['127.0.0.1:8932'] }, 'did you mean http://127.0.0.1:8932?'],
    [
      'a host, a port and a path',
      { mirrors: ['localhost:80/pcam'] },
      'did you mean http://localhost:80/pcam?',
    ],
    ['an address of IPv6 and a port', { mirrors: ['[::1]:80'] }, 'did you mean http://[::1]:80?'],
  ])('refuses %s', async (_, choice, hint) => {
    const error = await pcamError(() => ids(choice));
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(error.hint ?? '').toContain(hint);
  });
});
