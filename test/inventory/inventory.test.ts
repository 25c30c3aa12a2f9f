/** Whose bytes are these? By digests that were computed, or that a receipt has. */
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holds, Inventory } from '#pcam/inventory/inventory.js';
import { contentsOf, contentsOfAll } from '#pcam/manifest/types.js';
import { layout } from '#pcam/store/layout.js';
import { Receipts } from '#pcam/store/receipts.js';
import { archive, manifestOf, noise, plainFile, put, sha256 } from '../support/files.js';
import { temporaryFolder } from '../support/temp.js';

const x = archive('train_x.h5', noise(3000, 1), { split: 'train' });
const v = archive('valid_x.h5', noise(3000, 2), { split: 'valid' });
const csv = plainFile('valid_meta.csv', noise(200, 3), { split: 'valid', noSha256: true });
const manifest = manifestOf([x, v, csv], { web: { type: 'http', baseUrl: 'http://127.0.0.1:1' } });
const [train, valid] = [contentsOf(x.file), contentsOf(v.file)];

async function folder(files: Record<string, Buffer>) {
  const dir = await put(await temporaryFolder(), files);
  const receipts = new Receipts(layout(dir));
  return { dir, receipts, open: (more = {}) => new Inventory({ dir, manifest, receipts, ...more }) };
}

describe('holds', () => {
  const { final, archive: gz } = train;
  it('goes by every digest that both know, and needs one', () => {
    expect(holds({ digests: { md5: final.md5 } }, final)).toBe(true);
    expect(holds({ digests: { sha256: gz!.sha256 } }, gz!)).toBe(true);
    expect(holds({ digests: { md5: gz!.md5, sha256: 'f'.repeat(64) } }, gz!)).toBe(false);
    expect(holds({ digests: { md5: 'f'.repeat(32), sha256: gz!.sha256 } }, gz!)).toBe(false);
    expect(holds({ digests: { sha256: 'f'.repeat(64) } }, final)).toBe(false);
    expect(holds({ digests: {} }, final)).toBe(false);
  });
});

describe('an inventory', () => {
  it('reads each file once, and says where misnamed ones belong', async () => {
    const { dir, open } = await folder({ 'train_x.h5': v.plain, 'valid_meta.csv': csv.plain });
    const inventory = open();
    await inventory.readAll(contentsOfAll(manifest.files));
    await rename(join(dir, 'train_x.h5'), join(dir, 'elsewhere'));
    const found = await inventory.read(train.final);
    expect(inventory.ownerOf(found!, train.final)?.name).toBe('valid_x.h5');
    expect((await inventory.misplaced(train.final))?.name).toBe('valid_x.h5');
    expect(await inventory.misplaced(contentsOf(csv.file).final)).toBeUndefined();
    inventory.set(train.final, undefined);
    inventory.set(valid.final, found);
    expect(await inventory.read(train.final)).toBeUndefined();
    expect(holds((await inventory.read(valid.final))!, valid.final)).toBe(true);
  });

  it('believes a receipt of an archive that has the SHA-256 alone, and none that lacks it', async () => {
    const { dir, receipts, open } = await folder({ 'train_x.h5.gz': x.served, 'valid_x.h5.gz': v.served });
    const look = (name: string) => stat(join(dir, name), { bigint: true });
    await receipts.record('train_x.h5.gz', await look('train_x.h5.gz'), { sha256: x.file.sha256 });
    await receipts.record('valid_x.h5.gz', await look('valid_x.h5.gz'), { md5: v.file.md5 });
    const seen: string[] = [];
    const inventory = open({
      trust: 'inode',
      onEvent: (event: { type: string; task?: string }) => event.type === 'begin' && seen.push(event.task!),
    });
    expect(holds((await inventory.read(train.archive!))!, train.archive!)).toBe(true);
    expect(holds((await inventory.read(valid.archive!))!, valid.archive!)).toBe(true);
    expect(seen).toEqual(['valid_x.h5.gz']);
    expect((await receipts.find('valid_x.h5.gz', await look('valid_x.h5.gz'), 'inode'))?.sha256).toBe(
      sha256(v.served),
    );
  });

  it('reads nothing any more once it has failed', async () => {
    const { dir, open } = await folder({ 'valid_x.h5': noise(8_000_000, 5) });
    await put(join(dir, 'train_x.h5'), { 'a-file': Buffer.from('in a folder of that name') });
    const inventory = open();
    await expect(inventory.readAll([train.final, valid.final])).rejects.toMatchObject({ exitCode: 5 });
    await expect(inventory.read(valid.final)).rejects.toMatchObject({ code: 'ABORTED' });
    await rm(dir, { recursive: true });
  });
});
