/** Where the files of a web source are: URLs below its base URL, and the credentials that go with them. */
import { basic, type Credentials } from '../net/index.js';

export interface WebPlace {
  /**
   * @param path below the base URL, already percent-encoded
   * @param query added to the query of the base URL, which is kept as it is
   */
  url(path: string, query?: string): URL;
  /** From user name and password in the base URL; for its origin alone. */
  readonly credentials: Credentials | undefined;
}

export function placeOf(baseUrl: string): WebPlace {
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
