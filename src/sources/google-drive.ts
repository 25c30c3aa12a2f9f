/**
 * Google Drive: redirects, then for large files a virus-scan page whose form leads to the bytes. Any request, a
 * ranged one in the middle of a file too, can be answered by a page; only Content-Disposition says 'here is the file'.
 */
import { DEFAULTS } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import {
  acceptRange,
  type HttpReply,
  isHtml,
  rangeHeaders,
  requireWeb,
  SourceFailure,
  statusFailure,
} from '../net/index.js';
import { CookieJar } from './cookies.js';
import { type DrivePage, DrivePageReader } from './drive-page.js';
import { placeOf, type WebPlace } from './place.js';
import type { SourceFactory } from './types.js';

/** The form may come after any amount of script; a page that is longer is no page. */
const LARGEST_PAGE = 8 * 1024 * 1024;
/** A page that is this short is read to its end, so that its connection can be used again. */
const SHORT_PAGE = 64 * 1024;
/** A page, its form, and once more when the form's token has expired. */
const MOST_PAGES = 3;

/** The next request on the way to a file. */
interface DriveStep {
  readonly url: URL;
  /** Sent by POST. */
  readonly form?: string;
}

export const googleDriveSource: SourceFactory = ({ id, type, baseUrl }, { client }) => {
  const place = placeOf(baseUrl);
  const cookies = new CookieJar();
  // Where the bytes of each file were found: later ranges go there without the way through redirects and forms.
  const found = new Map<string, DriveStep>();
  return {
    id,
    type,
    has: (file) => file.gdriveId !== undefined,
    open: async (file, range, signal) => {
      const options = { headers: rangeHeaders(range), credentials: place.credentials, cookies, signal };
      let step = found.get(file.name) ?? { url: firstUrl(place, file) };
      try {
        for (let page = 0; page <= MOST_PAGES; page++) {
          const { url, form } = step;
          const reply = await (form === undefined
            ? client.get(url, options)
            : client.post(url, form, options));
          if (!isHtml(reply)) {
            requireDisposition(reply);
            const accepted = acceptRange(reply, range);
            found.set(file.name, reply.method === 'POST' ? step : { url: reply.url });
            return accepted;
          }
          step = await nextStep(reply);
        }
        throw new SourceFailure('refused', `${step.url.host} answers each form with another page`);
      } catch (error) {
        found.delete(file.name);
        throw error;
      }
    },
  };
};

function firstUrl({ url }: WebPlace, file: DatasetFile): URL {
  const query = new URLSearchParams({ export: 'download', id: file.gdriveId ?? '' }).toString();
  return url(url('').hostname === 'drive.google.com' ? 'uc' : 'download', query);
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
async function nextStep(reply: HttpReply): Promise<DriveStep> {
  const page = await readPage(reply);
  if (page.kind === 'next') {
    requireWeb(page.url, reply.url, `the page of ${reply.url.host} leads`);
    return page;
  }
  if (page.kind === 'quota') {
    throw new SourceFailure(
      'refused',
      `Google Drive's quota for this file is used up, which can last 24 hours (it says: ${page.title})`,
      { quota: true },
    );
  }
  if (reply.status !== 200) throw statusFailure(reply);
  throw new SourceFailure('refused', `${reply.url.host} sent a page in place of the file: ${page.title}`);
}

async function readPage(reply: HttpReply): Promise<DrivePage> {
  const reader = new DrivePageReader(reply.url);
  const decoder = new TextDecoder();
  const began = performance.now();
  let read = 0;
  try {
    for await (const chunk of reply.body) {
      read += chunk.length;
      if (performance.now() - began > DEFAULTS.headersTimeout) {
        throw new SourceFailure('passing', `${reply.url.host} took too long to send a page`);
      }
      const enough = reader.write(decoder.decode(chunk, { stream: true }));
      if (read > LARGEST_PAGE || (enough && !(Number(reply.headers['content-length']) <= SHORT_PAGE))) break;
    }
  } finally {
    reply.discard();
  }
  return reader.end();
}
