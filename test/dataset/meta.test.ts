import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMeta } from '#pcam/dataset/meta.js';
import { temporaryFolder } from '../support/temp.js';

const HEADER = ',coord_y,coord_x,tumor_patch,center_tumor_patch,wsi';

async function csv(text: string | Uint8Array): Promise<string> {
  const file = join(await temporaryFolder(), 'meta.csv');
  await writeFile(file, text);
  return file;
}

async function read(text: string | Uint8Array, count?: number) {
  const table = await readMeta({ file: await csv(text), count });
  return Array.from({ length: table.rows }, (_, i) => table.row(i));
}

describe('a meta table', () => {
  const first = {
    wsi: 'camelyon16_train_tumor_033',
    coord_x: 7,
    coord_y: 5,
    tumor_patch: true,
    center_tumor_patch: false,
  };

  it('is read by the names of its columns', async () => {
    expect(await read(`${HEADER}\n0,5,7,True,False,camelyon16_train_tumor_033\n`)).toEqual([first]);
    const other = 'note,wsi,center_tumor_patch,coord_x,tumor_patch,coord_y';
    expect(await read(`${other}\nx,camelyon16_train_tumor_033,false,7.0,1,5`)).toEqual([first]);
  });

  it('may have a byte order mark, CRLF, quotes and empty lines', async () => {
    const text = `\ufeff"index",${HEADER.slice(1)}\r\n0,"5",7,true,0,"camelyon16_train_tumor_033"\r\n\r\n`;
    expect(await read(text)).toEqual([first]);
  });

  it('keeps rows in order beyond the first block', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `${i},${i * 2},${-i},True,True,slide_${i % 7}`);
    const read3000 = await read([HEADER, ...rows].join('\n'), 3000);
    expect(read3000[2999]).toEqual({
      wsi: 'slide_3',
      coord_x: -2999,
      coord_y: 5998,
      tumor_patch: true,
      center_tumor_patch: true,
    });
  });
});

describe('a meta table that is refused', () => {
  const row = '0,5,7,True,False,slide';
  const cases: Record<string, [string, RegExp]> = {
    'an empty file': ['', /empty/],
    'a missing column': [`${HEADER.replace('coord_x', 'x')}\n${row}`, /coord_x.*none at line 1/],
    'a column twice': [`${HEADER.replace('wsi', 'wsi,wsi')}\n${row},a`, /two of them/],
    'a bad flag': [
      `${HEADER}\n${row}\n1,5,7,True,maybe,s`,
      /True or False.*center_tumor_patch.*maybe.*line 3/,
    ],
    'a bad coordinate': [`${HEADER}\n0,5,7.5,True,True,s`, /coord_x.*7\.5.*line 2/],
    'a coordinate that is too large': [`${HEADER}\n0,5,2147483648,True,True,s`, /coord_x/],
    'no slide': [`${HEADER}\n0,5,7,True,True,`, /wsi/],
    'a short row': [`${HEADER}\n${row}\n1,2`, /as many fields.*line 3/],
    'an open quote': [`${HEADER}\n0,5,7,True,True,"s`, /quote/],
    'an enormous field': [`${HEADER}\n0,5,7,True,True,${'s'.repeat(1_000_000)}`, /65536/],
    'absurdly many columns': [`${'a,'.repeat(1_000_000)}\n`, /65536/],
  };
  it.each(Object.entries(cases))('%s', async (_, [text, message]) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'BAD_CSV',
      message: expect.stringMatching(message),
    });
  });

  it('when it has another number of rows than patches', async () => {
    await expect(read(`${HEADER}\n${row}`, 2)).rejects.toMatchObject({
      code: 'BAD_DATA',
      message: expect.stringMatching(/2 rows.*found 1/),
    });
  });
});
