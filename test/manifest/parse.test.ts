/** The built-in manifest says what is published, and a manifest that is not right is refused by its field. */
import { readFile, truncate } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parseManifest, readManifest } from '#pcam/manifest/parse.js';
import { put } from '../support/files.js';
import { pcamError } from '../support/outcome.js';
import { temporaryFolder } from '../support/temp.js';

/** name, bytes, MD5, SHA-256, Google Drive id, MD5 of the decompressed file: as Zenodo, TFDS and torchvision have them. */
const PUBLISHED: [string, number | null, string, string | null, string, string | null][] = [
  [
    'train_x.h5.gz',
    6421353462,
    '1571f514728f59376b705fc836ff4b63',
    'd619e741468a7ab35c7e4a75e6821b7e7e6c9411705d45708f2a0efc8960656c',
    '1Ka0XfEMiwgCYPdTI-vv6eUElOBnKFKQ2',
    '01844da899645b4d6f84946d417ba453',
  ],
  [
    'train_y.h5.gz',
    21378,
    '35c2d7259d906cfc8143347bb8e05be7',
    'b74126d2c01b20d3661f9b46765d29cf4e4fba6faba29c8e0d09d406331ab75a',
    '1269yhu3pZDP8UYFQs-NYs3FPwuK-nGSG',
    '0781386bf6c2fb62d58ff18891466aca',
  ],
  [
    'valid_x.h5.gz',
    805965320,
    'd5b63470df7cfa627aeec8b9dc0c066e',
    'f82ee1670d027b4ec388048d9eabc2186b77c009655dae76d624c0ecb053ccb2',
    '1hgshYGWK8V-eGRy8LToWJJgDU_rXWVJ3',
    '81cf9680f1724c40673f10dc88e909b1',
  ],
  [
    'valid_y.h5.gz',
    3038,
    '2b85f58b927af9964a4c15b8f7e8f179',
    'ce1ae30f08feb468447971cfd0472e7becd0ad96d877c64120c72571439ae48c',
    '1bH8ZRbhSVAhScTS0p9-ZzGnX91cHT3uO',
    '94d8aacc249253159ce2a2e78a86e658',
  ],
  [
    'test_x.h5.gz',
    800875929,
    'd8c2d60d490dbd479f8199bdfa0cf6ec',
    '79174c2201ad521602a5888be8f36ee10875f37403dd3f2086caf2182ef87245',
    '1qV65ZqZvWzuIVthK8eVDhIwrbnsJdbg_',
    '2614b2e6717d6356be141d9d6dbfcb7e',
  ],
  [
    'test_y.h5.gz',
    3040,
    '60a7035772fbdb7f34eb86d4420cf66a',
    '0a522005fccc8bbd04c5a117bfaf81d8da2676f03a29d7499f71d0a0bd6068ef',
    '17BHrSrwWKjYsOgTMmoqrIjDy6Fa2o_gP',
    '11ed647efe9fe457a4eb45df1dba19ba',
  ],
  [
    'train_meta.csv',
    null,
    '5a3dd671e465cfd74b5b822125e65b0a',
    null,
    '1XoaGG3ek26YLFvGzmkKeOz54INW0fruR',
    null,
  ],
  [
    'valid_meta.csv',
    null,
    '67589e00a4a37ec317f2d1932c7502ca',
    null,
    '16hJfGFCZEcvR3lr38v3XCaD5iH1Bnclg',
    null,
  ],
  [
    'test_meta.csv',
    null,
    '3455fd69135b66734e1008f3af684566',
    null,
    '19tj7fBlQQrd4DapCjhZrom_fA4QlHqN4',
    null,
  ],
];

const PREFIX = 'camelyonpatch_level_2_split_';

describe('the built-in manifest', () => {
  it('has the nine files as they are published', async () => {
    const { files } = await readManifest();
    const rows = files.map(({ name, bytes, md5, sha256, gdriveId, extracted }) => [
      name,
      bytes ?? null,
      md5,
      sha256 ?? null,
      gdriveId,
      extracted?.md5 ?? null,
    ]);
    const byName = (a: unknown[], b: unknown[]) => (String(a[0]) < String(b[0]) ? -1 : 1);
    expect(rows.sort(byName)).toEqual(
      PUBLISHED.map(([name, ...rest]) => [PREFIX + name, ...rest]).sort(byName),
    );
  });

  it("does not have PCam's own table, in which valid and test are swapped", async () => {
    const { files } = await readManifest();
    const md5 = (name: string) => files.find((file) => file.name === PREFIX + name)?.md5;
    expect(md5('valid_x.h5.gz')).not.toBe('d8c2d60d490dbd479f8199bdfa0cf6ec');
    expect(md5('valid_y.h5.gz')).not.toBe('60a7035772fbdb7f34eb86d4420cf66a');
    expect(md5('valid_meta.csv')).not.toBe('3455fd69135b66734e1008f3af684566');
  });

  it('says of each file what it becomes, in which split, and the shape of its array', async () => {
    const { files, sources, dataset } = await readManifest();
    const patches = { train: 262144, valid: 32768, test: 32768 };
    for (const { name, split, kind, extracted, array } of files) {
      expect(name).toContain(`split_${split}_`);
      if (kind === 'meta') {
        expect(name).toMatch(/_meta\.csv$/);
        expect({ extracted, array }).toEqual({ extracted: undefined, array: undefined });
        continue;
      }
      const path = kind === 'images' ? 'x' : 'y';
      expect(name).toMatch(new RegExp(`_${path}\\.h5\\.gz$`));
      expect(extracted?.name).toBe(name.slice(0, -3));
      expect(array).toEqual({ path, shape: [patches[split], ...(path === 'x' ? [96, 96, 3] : [1, 1, 1])] });
    }
    expect(dataset).toBe('pcam');
    expect(sources).toMatchObject([
      { id: 'gdrive', type: 'google-drive', baseUrl: 'https://drive.google.com' },
      { id: 'zenodo', type: 'zenodo', baseUrl: 'https://zenodo.org', record: '2546921' },
    ]);
  });
});

const HEX32 = '0123456789abcdef0123456789abcdef';

function good() {
  return {
    schemaVersion: 1 as unknown,
    dataset: 'tiny' as unknown,
    homepage: 'https://example.org' as unknown,
    license: 'CC0-1.0' as unknown,
    citation: ['doi:10.1/2'] as unknown,
    sources: { web: { type: 'http', baseUrl: 'https://example.org/pcam' } } as unknown,
    files: [
      {
        name: 'a_x.h5.gz',
        split: 'train',
        kind: 'images',
        bytes: 10,
        md5: HEX32,
        sha256: HEX32 + HEX32,
        gdriveId: 'abc_-1',
        extracted: { name: 'a_x.h5', md5: HEX32, bytes: 20 },
        array: { path: 'x', shape: [2, 96, 96, 3] },
      },
    ] as unknown,
  };
}

type Json = Record<string, unknown>;

/** The good manifest with one field of its file replaced (or, with `undefined`, removed). */
const file = (field: string, value: unknown) => {
  const manifest = good();
  const entry = (manifest.files as Json[])[0]!;
  const at = field.split('.');
  const last = at.pop()!;
  const holder = at.reduce((object, key) => object[key] as Json, entry);
  if (value === undefined) delete holder[last];
  else Object.defineProperty(holder, last, { value, enumerable: true, configurable: true });
  return manifest as unknown;
};
const top = (field: string, value: unknown) => ({ ...good(), [field]: value }) as unknown;
const source = (entry: unknown) => top('sources', { web: entry });
const twoFiles = (a: Json, b: Json) => {
  const [entry] = good().files as Json[];
  return top('files', [
    { ...entry, extracted: null, ...a },
    { ...entry, extracted: null, ...b },
  ]);
};

/** What, the manifest, the field that the refusal names. */
const BAD: [string, unknown, string][] = [
  ['no object', [], 'manifest'],
  ['null', null, 'manifest'],
  ['no version', top('schemaVersion', undefined), 'schemaVersion'],
  ['version 2', top('schemaVersion', 2), 'schemaVersion'],
  ['version "1"', top('schemaVersion', '1'), 'schemaVersion'],
  ['no data set name', top('dataset', ''), 'dataset'],
  ['a number as homepage', top('homepage', 3), 'homepage'],
  ['a text as citation', top('citation', 'doi'), 'citation'],
  ['numbers in citation', top('citation', [1]), 'citation'],
  ['no sources', top('sources', undefined), 'sources'],
  ['a list of sources', top('sources', []), 'sources'],
  ['empty sources', top('sources', {}), 'sources'],
  ['a source id with a slash', top('sources', { 'a/b': { type: 'http', baseUrl: 'https://a' } }), 'sources'],
  ['a numeric source id', top('sources', { 7: { type: 'http', baseUrl: 'https://a' } }), 'sources'],
  [
    'a source called __proto__',
    top('sources', JSON.parse('{"__proto__": {"type": "http", "baseUrl": "https://a"}}')),
    'sources',
  ],
  ['a source that is no object', source('https://example.org'), 'sources.web'],
  ['an unknown source type', source({ type: 'ftp', baseUrl: 'https://a' }), 'sources.web.type'],
  ['a type of every object', source({ type: 'constructor', baseUrl: 'https://a' }), 'sources.web.type'],
  ['no base URL', source({ type: 'http' }), 'sources.web.baseUrl'],
  ['a base URL that is none', source({ type: 'http', baseUrl: 'example.org' }), 'sources.web.baseUrl'],
  ['a file: URL for http', source({ type: 'http', baseUrl: 'file:///etc' }), 'sources.web.baseUrl'],
  ['a script URL', source({ type: 'http', baseUrl: 'javascript:alert(1)' }), 'sources.web.baseUrl'],
  ['a folder with a NUL', source({ type: 'file', baseUrl: 'a\0b' }), 'sources.web.baseUrl'],
  ['no record', source({ type: 'zenodo', baseUrl: 'https://a' }), 'sources.web.record'],
  [
    'a record with a slash',
    source({ type: 'zenodo', baseUrl: 'https://a', record: '1/2' }),
    'sources.web.record',
  ],
  ['a negative record', source({ type: 'zenodo', baseUrl: 'https://a', record: -1 }), 'sources.web.record'],
  ['a broken record', source({ type: 'zenodo', baseUrl: 'https://a', record: 1.5 }), 'sources.web.record'],
  ['files that are no list', top('files', {}), 'files'],
  ['no files', top('files', []), 'files'],
  ['a file that is no object', top('files', ['a.gz']), 'files[0]'],
  ...[
    '../a.gz',
    '..',
    '.',
    '.hidden',
    'a/b.gz',
    'a\\b.gz',
    '/etc/passwd',
    'C:\\a.gz',
    'C:a.gz',
    'a.',
    'a ',
    ' a',
    'a\0b',
    'a\nb',
    'a\u202eb',
    '-rf',
    '~a',
    'a*b',
    'a"b',
    'a|b',
    'con',
    'NUL.gz',
    'com1.h5.gz',
    'Lpt9',
    'a'.repeat(201),
    '',
    7,
    null,
    undefined,
  ].map((name): [string, unknown, string] => [
    `the name ${JSON.stringify(name)}`,
    file('name', name),
    'files[0].name',
  ]),
  ['a path as extracted name', file('extracted.name', '../a.h5'), 'files[0].extracted.name'],
  ['an unknown split', file('split', 'val'), 'files[0].split'],
  ['a split of every object', file('split', 'constructor'), 'files[0].split'],
  ['no split', file('split', undefined), 'files[0].split'],
  ['an unknown kind', file('kind', 'x'), 'files[0].kind'],
  ...[-1, 1.5, 2 ** 53, 1e300, '10', [], true].flatMap((size): [string, unknown, string][] => [
    [`the size ${size}`, file('bytes', size), 'files[0].bytes'],
    [`the extracted size ${size}`, file('extracted.bytes', size), 'files[0].extracted.bytes'],
  ]),
  ...[
    HEX32.slice(1),
    `${HEX32}0`,
    `${HEX32.slice(1)}g`,
    ` ${HEX32.slice(1)}`,
    '',
    5,
    null,
    undefined,
  ].flatMap((md5): [string, unknown, string][] => [
    [`the MD5 ${JSON.stringify(md5)}`, file('md5', md5), 'files[0].md5'],
    [`the extracted MD5 ${JSON.stringify(md5)}`, file('extracted.md5', md5), 'files[0].extracted.md5'],
  ]),
  ['an MD5 as SHA-256', file('sha256', HEX32), 'files[0].sha256'],
  ['a SHA-256 that is no hex', file('sha256', 'z'.repeat(64)), 'files[0].sha256'],
  ['a Google Drive id with more query', file('gdriveId', 'a&confirm=t'), 'files[0].gdriveId'],
  ['an empty Google Drive id', file('gdriveId', ''), 'files[0].gdriveId'],
  ['a text as extracted', file('extracted', 'a.h5'), 'files[0].extracted'],
  ['a list as array', file('array', [1]), 'files[0].array'],
  ['no array path', file('array.path', undefined), 'files[0].array.path'],
  ['no shape', file('array.shape', undefined), 'files[0].array.shape'],
  ['an empty shape', file('array.shape', []), 'files[0].array.shape'],
  ['a negative shape', file('array.shape', [-1, 96]), 'files[0].array.shape'],
  ['a broken shape', file('array.shape', [1.5]), 'files[0].array.shape'],
  ['nine dimensions', file('array.shape', Array(9).fill(1)), 'files[0].array.shape'],
];

/** Refused by the parser alone: JSON Schema cannot compare entries, multiply, or parse a URL. */
const BAD_BEYOND_SCHEMA: [string, unknown, string][] = [
  ['the same name twice', twoFiles({ name: 'a.gz' }, { name: 'a.gz' }), 'files[1].name'],
  ['names that differ in case alone', twoFiles({ name: 'a.gz' }, { name: 'A.gz' }), 'files[1].name'],
  [
    'names that differ in Unicode form alone',
    twoFiles({ name: 'é.gz' }, { name: 'e\u0301.gz' }),
    'files[1].name',
  ],
  ['an archive that extracts to itself', file('extracted.name', 'a_x.h5.gz'), 'files[0].extracted.name'],
  [
    'an extracted name of another file',
    twoFiles({ name: 'a.gz', extracted: { name: 'b.H5', md5: HEX32 } }, { name: 'b.h5' }),
    'files[1].name',
  ],
  ['more elements than can be counted', file('array.shape', [2 ** 40, 2 ** 40]), 'files[0].array.shape'],
  ['a URL that does not parse', source({ type: 'http', baseUrl: 'http://a:b:c' }), 'sources.web.baseUrl'],
  ['a name of 201 bytes', file('name', `${'é'.repeat(100)}a`), 'files[0].name'],
];

const GOOD: [string, unknown][] = [
  ['all fields', good()],
  ['a $schema line', { $schema: './manifest.schema.json', ...good() }],
  ['fields of a later time', { ...good(), later: true }],
  ['no optional field', twoFiles({ name: 'a.csv' }, { name: 'b.csv' })],
  ...['bytes', 'sha256', 'gdriveId', 'extracted', 'array', 'extracted.bytes'].flatMap(
    (field): [string, unknown][] => [
      [`no ${field}`, file(field, undefined)],
      [`null as ${field}`, file(field, null)],
    ],
  ),
  ...['homepage', 'license', 'citation'].map((field): [string, unknown] => [
    `null as ${field}`,
    top(field, null),
  ]),
  ['an empty file', file('bytes', 0)],
  ['upper-case digests', file('md5', HEX32.toUpperCase())],
  ['a record as number', source({ type: 'zenodo', baseUrl: 'https://zenodo.org/', record: 2546921 })],
  ['a folder', source({ type: 'file', baseUrl: '.' })],
  ['a file: URL', source({ type: 'file', baseUrl: 'file:///srv/pcam' })],
  ['a URL with port', source({ type: 'google-drive', baseUrl: 'http://127.0.0.1:8080/drive' })],
  ['a source called constructor', top('sources', { constructor: { type: 'http', baseUrl: 'https://a' } })],
  ['a name with a space and letters', file('name', 'Größe 1 (2).h5.gz')],
  ['a name that only begins as a device', file('name', 'console.h5.gz')],
  ['a name called __proto__', file('name', '__proto__')],
  ['a dot in the middle', file('name', 'a..b')],
];

describe('parseManifest', () => {
  it.each([...BAD, ...BAD_BEYOND_SCHEMA])('refuses %s', async (_, json, field) => {
    const error = await pcamError(() => parseManifest(json));
    expect(error).toMatchObject({ code: 'BAD_MANIFEST', exitCode: 2 });
    expect(error.message).toContain(field);
    expect(error.hint).toBeTruthy();
  });

  it.each(GOOD)('takes %s', (_, json) => {
    expect(parseManifest(json).files.length).toBeGreaterThan(0);
  });

  it('lower-cases digests and removes trailing slashes of a base URL', () => {
    const json = source({ type: 'http', baseUrl: 'https://example.org/a//' }) as { files: Json[] };
    json.files[0]!.md5 = HEX32.toUpperCase();
    const { files, sources } = parseManifest(json);
    expect(files[0]!.md5).toBe(HEX32);
    expect(sources[0]!.baseUrl).toBe('https://example.org/a');
  });

  it('keeps the order of sources, which is the order of preference', () => {
    const entry = { type: 'http', baseUrl: 'https://a' };
    const ids = ['zebra', 'b2', 'a1', 'B2'];
    const json = top('sources', Object.fromEntries(ids.map((id) => [id, entry])));
    expect(parseManifest(json).sources.map(({ id }) => id)).toEqual(ids);
  });

  it('does not let a hostile value reach the terminal as it is', async () => {
    const { message } = await pcamError(() => parseManifest(file('name', '../\u001b[31mred\u202e')));
    expect(message).not.toMatch(/[\u001b\u202e]/);
  });
});

describe('readManifest', () => {
  it('reads a file with a byte order mark', async () => {
    const folder = await put(await temporaryFolder(), { 'm.json': `\ufeff${JSON.stringify(good())}` });
    expect((await readManifest(join(folder, 'm.json'))).dataset).toBe('tiny');
  });

  it('takes the folder of a file source from where the manifest lies', async () => {
    const json = JSON.stringify(source({ type: 'file', baseUrl: 'archives' }));
    const folder = await put(await temporaryFolder(), { 'm.json': json });
    const { sources } = await readManifest(join(folder, 'm.json'));
    expect(sources[0]!.baseUrl).toBe(resolve(folder, 'archives'));
  });

  it.each([
    ['is not there', undefined],
    ['is empty', ''],
    ['is not JSON', '{"schemaVersion": 1,'],
    ['is a web page', '<!doctype html>'],
  ])('refuses a manifest that %s', async (_, text) => {
    const folder = await temporaryFolder();
    if (text !== undefined) await put(folder, { 'm.json': text });
    const path = join(folder, 'm.json');
    const error = await pcamError(readManifest(path));
    expect(error.code).toBe('BAD_MANIFEST');
    expect(error.message).toContain(path);
  });

  it('refuses, unread, a file that is too large to be one', async () => {
    const path = join(await put(await temporaryFolder(), { 'm.json': '' }), 'm.json');
    await truncate(path, 5 * 2 ** 30);
    expect((await pcamError(readManifest(path))).code).toBe('BAD_MANIFEST');
  });

  it('refuses a folder', async () => {
    expect((await pcamError(readManifest(await temporaryFolder()))).code).toBe('BAD_MANIFEST');
  });

  it('refuses a path through a file', async () => {
    const folder = await put(await temporaryFolder(), { file: '' });
    expect((await pcamError(readManifest(join(folder, 'file', 'm.json')))).code).toBe('BAD_MANIFEST');
  });
});

describe('manifest.schema.json', async () => {
  const schema = JSON.parse(await readFile(new URL('../../manifest.schema.json', import.meta.url), 'utf8'));
  const validate = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false }).compile(schema);

  it('takes the built-in manifest', async () => {
    const json = JSON.parse(await readFile(new URL('../../manifest.json', import.meta.url), 'utf8'));
    expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each(GOOD)('takes, as the parser does, %s', (_, json) => {
    expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each(BAD)('refuses, as the parser does, %s', (_, json) => {
    expect(validate(JSON.parse(JSON.stringify(json)))).toBe(false);
  });

  it('describes every field', () => {
    const bare: string[] = [];
    const walk = (at: string, node: Record<string, unknown>) => {
      for (const [name, field] of Object.entries((node.properties ?? {}) as Record<string, Json>)) {
        if (!('description' in field)) bare.push(`${at}.${name}`);
        walk(`${at}.${name}`, field);
      }
    };
    walk('', schema);
    for (const [name, def] of Object.entries(schema.$defs as Record<string, Json>)) walk(name, def);
    expect(bare).toEqual([]);
  });
});
