/**
 * Google Drive: redirects, then for large files a virus-scan page whose form leads to the bytes. Any request, a
 * ranged one in the middle of a file too, can be answered by a page; only Content-Disposition says 'here is the file'.
 */
import type { DatasetFile } from '../manifest/index.js';
import {
  acceptRange,
  type HttpReply,
  isHtml,
  rangeHeaders,
  SourceFailure,
  statusFailure,
} from '../net/index.js';
import type { SourceFactory } from './types.js';

const LARGEST_PAGE = 256 * 1024;
/** A page, its form, and once more when the form's token has expired. */
const MOST_PAGES = 3;

export const googleDriveSource: SourceFactory = ({ id, type, baseUrl }, { client }) => {
  // Where the bytes of each file were found: later ranges go there without the way through redirects and forms.
  const found = new Map<string, URL>();
  return {
    id,
    type,
    has: (file) => file.gdriveId !== undefined,
    open: async (file, range, signal) => {
      let url = found.get(file.name) ?? firstUrl(baseUrl, file);
      try {
        for (let page = 0; page <= MOST_PAGES; page++) {
          const reply = await client.get(url, { headers: rangeHeaders(range), signal });
          if (!isHtml(reply)) {
            requireDisposition(reply);
            const accepted = acceptRange(reply, range);
            found.set(file.name, reply.url);
            return accepted;
          }
          url = await readPage(reply);
        }
        throw new SourceFailure('refused', `${url.host} answers each form with another page`);
      } catch (error) {
        found.delete(file.name);
        throw error;
      }
    },
  };
};

function firstUrl(baseUrl: string, file: DatasetFile): URL {
  const path = new URL(baseUrl).hostname === 'drive.google.com' ? 'uc' : 'download';
  const url = new URL(`${baseUrl}/${path}`);
  url.search = new URLSearchParams({ export: 'download', id: file.gdriveId ?? '' }).toString();
  return url;
}

/** The status alone never means success: pages come with 200 as well. */
function requireDisposition(reply: HttpReply): void {
  if (reply.status !== 200 && reply.status !== 206) return;
  if (reply.headers['content-disposition'] !== undefined) return;
  reply.discard();
  throw new SourceFailure(
    'refused',
    `${reply.url.host} answered without Content-Disposition, so it is not the file`,
  );
}

/** Where the form of a page leads. */
async function readPage(reply: HttpReply): Promise<URL> {
  const html = await reply.text(LARGEST_PAGE);
  // Few runs ever see a page, and the HTML parser takes a while to load.
  const { readDrivePage } = await import('./drive-page.js');
  const page = readDrivePage(html, reply.url);
  if (page.kind === 'form') {
    if (reply.url.protocol === 'https:' && page.action.protocol !== 'https:') {
      throw new SourceFailure(
        'wrong',
        `the form of ${reply.url.host} leads from https to http; not followed`,
      );
    }
    return page.action;
  }
  if (page.kind === 'quota') {
    throw new SourceFailure(
      'refused',
      `Google Drive's quota for this file is used up, which can last 24 hours (it says: ${page.title})`,
    );
  }
  if (reply.status !== 200) throw statusFailure(reply);
  throw new SourceFailure('refused', `${reply.url.host} sent a page in place of the file: ${page.title}`);
}
