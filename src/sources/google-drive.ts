/**
 * Google Drive: redirects, then for large files a virus-scan page whose form leads to the bytes. Any request, a
 * ranged one in the middle of a file too, can be answered by a page; only Content-Disposition says 'here is the file'.
 */
import { showUrl } from '../core/index.js';
import type { DatasetFile } from '../manifest/index.js';
import {
  acceptRange,
  type HttpReply,
  isHtml,
  type RangeRequest,
  rangeHeaders,
  requireWeb,
  SourceFailure,
  statusFailure,
} from '../net/index.js';
import { CookieJar, parseCookiesFile } from './cookies.js';
import { parseDrivePage } from './drive-page.js';
import { webPlace } from './http.js';
import type { SourceFactory } from './source.js';

/** The form may come after any amount of script; longer than this is not a page. */
const MAX_PAGE = 2 * 1024 * 1024;
/** A page, its form, and once more when the form's token has expired. */
const MAX_PAGES = 3;

const OTHER_WAYS =
  'sign in to Google Drive in a browser, save a copy or export the cookies, and name that file in GDRIVE_COOKIES; or ' +
  'fetch the file in the browser and import it from the folder of downloads';

/** The next request on the way to a file. */
interface DriveStep {
  readonly url: URL;
  /** Sent by POST. */
  readonly form?: string;
}

export const googleDriveSource: SourceFactory = ({ baseUrl }, { client, gdriveCookies }) => {
  const place = webPlace(baseUrl);
  const cookies = new CookieJar(gdriveCookies === undefined ? [] : parseCookiesFile(gdriveCookies));
  // Where the bytes of each file were found: later ranges go there without the way through redirects and forms.
  const found = new Map<string, DriveStep>();

  const firstStep = (file: DatasetFile): DriveStep => {
    const query = new URLSearchParams({ export: 'download', id: file.gdriveId ?? '' }).toString();
    const path = place.url('').hostname === 'drive.google.com' ? 'uc' : 'download';
    return { url: place.url(path, query) };
  };

  const open = async (file: DatasetFile, range: RangeRequest, signal: AbortSignal) => {
    const options = { headers: rangeHeaders(range), credentials: place.credentials, cookies, signal };
    let step = found.get(file.name) ?? firstStep(file);
    try {
      for (let page = 0; page <= MAX_PAGES; page++) {
        const reply = await client.fetch(step.url, { ...options, form: step.form });
        if (!isHtml(reply)) {
          requireDisposition(reply);
          const accepted = await acceptRange(reply, range, file.bytes);
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
  };

  const urlOf = (file: DatasetFile) => {
    const { url } = firstStep(file);
    return `${showUrl(url)}?export=download&id=${file.gdriveId}`;
  };
  return { has: (file) => file.gdriveId !== undefined, urlOf, open };
};

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
  const html = await reply.text(MAX_PAGE).finally(reply.discard);
  const page = parseDrivePage(html, reply.url);
  if (page.kind === 'next') {
    requireWeb(page.url, reply.url, `the page of ${reply.url.host} leads`);
    return page;
  }
  if (page.kind === 'quota') {
    throw new SourceFailure(
      'refused',
      `Google Drive's quota for this file is used up, which can last 24 hours (it says: ${page.title})`,
      { quota: true, hint: OTHER_WAYS },
    );
  }
  if (reply.status !== 200) throw statusFailure(reply, html);
  throw new SourceFailure('refused', `${reply.url.host} sent a page in place of the file: ${page.title}`);
}
