/** A plain web server or object store: `<baseUrl>/<name>`, the query of a signed base URL included. */
import { requestRange } from '../net/index.js';
import { placeOf } from './place.js';
import type { SourceFactory } from './types.js';

export const httpSource: SourceFactory = ({ id, type, baseUrl }, { client }) => {
  const { url, credentials } = placeOf(baseUrl);
  return {
    id,
    type,
    has: () => true,
    open: (file, range, signal) =>
      requestRange({ client, url: url(encodeURIComponent(file.name)), range, credentials, signal }),
  };
};
