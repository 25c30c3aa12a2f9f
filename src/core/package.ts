/** What the package knows of itself, and where its files lie. The one place that looks beside the code. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

const facts = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
  version: string;
  homepage: string;
};

export const VERSION = facts.version;
export const HOMEPAGE = facts.homepage;

/** Path of a file that ships with the package, such as `manifest.json`. */
export function assetPath(name: string): string {
  return fileURLToPath(new URL(name, ROOT));
}
