/** The generated files of the package: `croissant.json`. */
import { fileURLToPath } from 'node:url';
import { datasetCroissant } from '../../dist/info/index.js';
import { resolveManifest } from '../../dist/manifest/index.js';

const ROOT = new URL('../../', import.meta.url);

/** @returns {Promise<{path: string, text: string}[]>} */
export async function packageFiles() {
  const croissant = datasetCroissant(await resolveManifest(undefined));
  return [{ path: at('croissant.json'), text: `${JSON.stringify(croissant, null, 2)}\n` }];
}

function at(name) {
  return fileURLToPath(new URL(name, ROOT));
}
