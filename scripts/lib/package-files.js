/** The generated files of the package: Croissant description, man page, completion scripts. */
import { fileURLToPath } from 'node:url';
import { resolveManifest } from '../../dist/manifest/index.js';
import { completionScripts } from './completion.js';
import { datasetCroissant } from './croissant.js';
import { manPage } from './man-page.js';
import { loadProgram } from './program.js';

const ROOT = new URL('../../', import.meta.url);

/** @returns {Promise<{path: string, text: string}[]>} */
export async function packageFiles() {
  const croissant = datasetCroissant(await resolveManifest(undefined));
  const program = await loadProgram();
  return [
    { path: at('croissant.json'), text: `${JSON.stringify(croissant, null, 2)}\n` },
    { path: at('man/pcam.1'), text: manPage(program) },
    ...Object.entries(completionScripts(program)).map(([shell, text]) => ({
      path: at(`completion/pcam.${shell}`),
      text,
    })),
  ];
}

function at(name) {
  return fileURLToPath(new URL(name, ROOT));
}
