/** Whose patches a manifest describes. */
import { expect, it } from 'vitest';
import { parseManifest, readManifest } from '#pcam/manifest/parse.js';
import { isSynthetic, provenanceOf } from '#pcam/manifest/provenance.js';
import { manifestText } from '#pcam/manifest/resolve.js';

const builtIn = await readManifest();
const changed = builtIn.files.map((file) => ({
  ...file,
  extracted: file.extracted && { ...file.extracted, md5: '0'.repeat(32) },
}));

it('is PatchCamelyon where the digests are, whatever it is called', async () => {
  expect(await provenanceOf(builtIn)).toBe('pcam');
  const valid = builtIn.files.filter(({ split }) => split === 'valid');
  expect(await provenanceOf({ ...builtIn, dataset: 'mine', files: valid })).toBe('pcam');
  expect(await provenanceOf({ ...builtIn, files: changed })).toBe('unknown');
});

it('is told by a subset, and a fixture is synthetic with all of its subsets', async () => {
  const json = { schemaVersion: 1, dataset: 'pcam-subset', sources: { a: { type: 'file', baseUrl: '.' } } };
  const subset = parseManifest({ ...json, files: changed, subset: { origin: 'pcam' } });
  expect(await provenanceOf(subset)).toBe('subset of pcam');
  const kept = parseManifest(JSON.parse(manifestText(subset)));
  expect(await provenanceOf(kept)).toBe('subset of pcam');
  for (const dataset of ['pcam-fixture', 'pcam-fixture-subset']) {
    expect(await provenanceOf({ ...subset, dataset })).toBe('synthetic');
  }
  expect(isSynthetic('pcam-fixtures')).toBe(false);
});
