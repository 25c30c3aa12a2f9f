/** The cache key changes when, and only when, the bytes in the folder would. */
import { expect, it } from 'vitest';
import { readManifest } from '#pcam/manifest/parse.js';
import { cacheKey } from '#pcam/manifest/select.js';
import type { Manifest } from '#pcam/manifest/types.js';

const HEX32 = 'f'.repeat(32);

async function changed(change: (manifest: Manifest) => Partial<Manifest>): Promise<string> {
  const manifest = await readManifest();
  return cacheKey({ manifest: { ...manifest, ...change(manifest) } });
}

it('is one word that a CI cache takes', async () => {
  expect(await cacheKey()).toMatch(/^[\w-]{1,512}$/);
});

it('stays for all that leaves the bytes alone', async () => {
  const key = await cacheKey();
  expect(await cacheKey({ splits: ['test', 'train', 'valid'] })).toBe(key);
  expect(await cacheKey({ kinds: ['meta', 'images', 'labels', 'images'] })).toBe(key);
  expect(await changed(({ files }) => ({ files: [...files].reverse() }))).toBe(key);
  expect(await changed(() => ({ homepage: 'https://other', sources: [] }))).toBe(key);
  // Another compression of the same content.
  expect(
    await changed(({ files }) => ({ files: files.map((f) => (f.extracted ? { ...f, md5: HEX32 } : f)) })),
  ).toBe(key);
});

it('changes with what is chosen, a name, or a digest', async () => {
  const keys = [
    await cacheKey(),
    await cacheKey({ splits: ['valid'] }),
    await cacheKey({ splits: ['test'] }),
    await cacheKey({ splits: ['valid'], kinds: ['images'] }),
    await changed(({ files: [first, ...rest] }) => ({
      files: [{ ...first!, extracted: { ...first!.extracted!, md5: HEX32 } }, ...rest],
    })),
    await changed(({ files: [first, ...rest] }) => ({
      files: [{ ...first!, extracted: { ...first!.extracted!, name: 'other.h5' } }, ...rest],
    })),
    await changed(({ files }) => ({ files: files.map((f) => (f.extracted ? f : { ...f, md5: HEX32 })) })),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});
