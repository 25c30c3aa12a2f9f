/**
 * A Zenodo record: `<baseUrl>/records/<record>/files/<name>?download=1`, where ranges work. On
 * `/api/records/<record>/files/<name>/content` they were reported not to.
 */
import { PcamError, showUrl } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import { type Credentials, requestRange } from '../net/index.js';
import { webPlace } from './http.js';
import type { SourceFactory } from './source.js';

export const zenodoSource: SourceFactory = ({ baseUrl, record }, { client, zenodoToken }) => {
  const place = webPlace(baseUrl);
  const credentials = tokenFor(baseUrl, zenodoToken) ?? place.credentials;
  const pathOf = ({ name }: DatasetFile) => `records/${record}/files/${encodeURIComponent(name)}`;
  return {
    has: ({ unpacked }) => !unpacked,
    urlOf: (file) => `${showUrl(place.url(pathOf(file)))}?download=1`,
    open: (file, range, signal) =>
      requestRange({
        client,
        url: place.url(pathOf(file), 'download=1'),
        range,
        size: file.bytes,
        credentials,
        signal,
      }),
  };
};

/**
 * Users with a token may send more requests. It is for this origin alone, over https.
 * @throws PcamError USAGE when the token cannot be one; it is not shown
 */
function tokenFor(baseUrl: string, token: string | undefined): Credentials | undefined {
  const { origin, protocol } = new URL(baseUrl);
  if (token === undefined || protocol !== 'https:') return undefined;
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new PcamError('USAGE', 'the Zenodo token has spaces or characters in it that no token has', {
      hint: 'copy it again from your Zenodo account: Applications, Personal access tokens',
    });
  }
  return { origin, authorization: `Bearer ${token}` };
}
