/** A plain web server or object store: `<baseUrl>/<name>`. */
import { requestRange } from '../net/index.js';
import type { SourceFactory } from './types.js';

export const httpSource: SourceFactory = ({ id, type, baseUrl }, { client }) => ({
  id,
  type,
  has: () => true,
  open: (file, range, signal) =>
    requestRange({ client, url: `${baseUrl}/${encodeURIComponent(file.name)}`, range, signal }),
});
