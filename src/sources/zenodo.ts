/**
 * A Zenodo record: `<baseUrl>/records/<record>/files/<name>?download=1`, where ranges work. On
 * `/api/records/<record>/files/<name>/content` they were reported not to.
 */
import { requestRange } from '../net/index.js';
import type { SourceFactory } from './types.js';

export const zenodoSource: SourceFactory = ({ id, type, baseUrl, record }, { client }) => ({
  id,
  type,
  has: () => true,
  open: (file, range, signal) => {
    const url = `${baseUrl}/records/${record}/files/${encodeURIComponent(file.name)}?download=1`;
    return requestRange({ client, url, range, signal });
  },
});
