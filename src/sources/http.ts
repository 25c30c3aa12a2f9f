/** A plain web server or object store: `<baseUrl>/<name>`, the query of a signed base URL included. */
import { showUrl } from '../core/index.js';
import { basic, type Credentials, requestRange } from '../net/index.js';
import type { SourceFactory } from './source.js';

export const httpSource: SourceFactory = ({ baseUrl }, { client }) => {
  const { url, credentials } = webPlace(baseUrl);
  return {
    has: () => true,
    urlOf: ({ name }) => showUrl(url(encodeURIComponent(name))),
    open: (file, range, signal) =>
      requestRange({
        client,
        url: url(encodeURIComponent(file.name)),
        range,
        size: file.bytes,
        credentials,
        signal,
      }),
  };
};

/** Where the files of a web source are, and the credentials that go with them. */
export interface WebPlace {
  /**
   * @param path below the base URL, already percent-encoded
   * @param query added to the query of the base URL, which is kept as it is
   */
  url(path: string, query?: string): URL;
  /** From user name and password in the base URL; for its origin alone. */
  readonly credentials: Credentials | undefined;
}

export function webPlace(baseUrl: string): WebPlace {
  const base = new URL(baseUrl);
  const { origin, username, password } = base;
  base.username = base.password = '';
  const folder = base.pathname.replace(/\/+$/, '');
  return {
    url: (path, query) => {
      const url = new URL(base);
      url.pathname = `${folder}/${path}`;
      if (query !== undefined) url.search = url.search === '' ? query : `${url.search}&${query}`;
      return url;
    },
    credentials: username || password ? { origin, authorization: basic(username, password) } : undefined,
  };
}
