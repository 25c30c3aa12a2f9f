/** The URL of a source: http or https, with a query where the place needs one, and no fragment. */
import { showUrl } from '../core/index.js';

/**
 * The URL without the slashes at the end of its path; its query stays as it was given, byte for byte.
 * @returns what is wrong with it as `problem`, with nothing secret in it
 */
export function parseWebUrl(text: string): { url: string } | { problem: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return { problem: `must be an http or https URL, not ${JSON.stringify(showUrl(text))}` };
  }
  if (text.includes('#')) return { problem: `must not have a fragment (#…): ${showUrl(text)}` };
  const query = text.indexOf('?');
  const [path, rest] = query < 0 ? [text, ''] : [text.slice(0, query), text.slice(query)];
  return { url: path.replace(/\/+$/, '') + rest };
}
