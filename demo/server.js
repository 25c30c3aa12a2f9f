/**
 * A stand-in for Google Drive, Zenodo and a plain web server, on loopback, over a folder of files and a manifest.
 * It misbehaves as a script says: `fault(request)` names what goes wrong with each reply (reply.js does it).
 *
 *     /download?id=ID&export=download    Google Drive: a redirect, the virus-scan page, then the file
 *     /records/RECORD/files/NAME         Zenodo
 *     /NAME                              a plain web server
 */
import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { htmlPage, scanPage } from './pages.js';
import { sendFault, sendFile, sendPage } from './reply.js';
import { parseRange, serve } from './serve.js';

/**
 * @typedef {import('./reply.js').Fault} Fault
 *
 * @typedef {object} Request what came in, and what became of it
 * @property {number} n counts from 1
 * @property {'google-drive' | 'zenodo' | 'http'} source
 * @property {string} name the file that was asked for; '' when there is no such file
 * @property {string} path
 * @property {'redirect' | 'form' | 'file' | 'refusal'} step what the reply is to be
 * @property {{ start: number, end: number } | undefined} range half-open; `end` may be Infinity
 * @property {number} size of the file
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {Fault | undefined} fault
 * @property {number} status 0 until there is one
 * @property {number} sent bytes of the file that were sent
 *
 * @typedef {object} ServerOptions
 * @property {string} folder files of the data set, and manifest.json
 * @property {(request: Request) => Fault | undefined | Promise<Fault | undefined>} [fault]
 * @property {(request: Request) => void} [log] called when a reply is over
 * @property {boolean} [redirects] Google Drive answers 303 first, as its /uc does
 * @property {number} [scanOver] Google Drive shows the virus-scan page for files of more bytes than this
 * @property {number} [rate] bytes a second of all replies together
 * @property {{ key: string, cert: string }} [tls] https in place of http
 *
 * @typedef {object} Server
 * @property {string} url
 * @property {number} port
 * @property {Request[]} requests in the order of their arrival
 * @property {() => Promise<void>} close cuts every connection
 */

/**
 * @param {ServerOptions} options
 * @returns {Promise<Server>}
 */
export async function startServer(options) {
  const names = await readNames(options.folder);
  /** @type {Request[]} */
  const requests = [];
  const stop = new AbortController();
  const site = { ...options, names, requests, uuids: new Set(), stop: stop.signal, paidUntil: 0 };
  /** @type {import('node:http').RequestListener} */
  const listener = (incoming, response) => {
    answer(site, incoming, response).catch((error) => {
      // A client that has gone away is none of our faults; anything else is.
      if (!response.destroyed && !stop.signal.aborted) response.destroy(error);
    });
  };
  const server = await serve(listener, options.tls);
  const close = () => {
    stop.abort();
    return server.close();
  };
  return { ...server, requests, close };
}

/** Names by Google Drive id, and themselves. */
async function readNames(folder) {
  const { files } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  return {
    known: new Set(files.map((file) => file.name)),
    byId: new Map(files.flatMap((file) => (file.gdriveId ? [[file.gdriveId, file.name]] : []))),
  };
}

async function answer(site, incoming, response) {
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  const request = {
    ...route(site, url),
    path: url.pathname,
    n: site.requests.length + 1,
    headers: incoming.headers,
  };
  Object.assign(request, { range: parseRange(incoming.headers.range), status: 0, sent: 0 });
  site.requests.push(request);
  request.size = request.name === '' ? 0 : await sizeOf(join(site.folder, request.name));
  request.step = stepOf(site, request, url, incoming);
  request.fault = await site.fault?.(request);
  response.once('close', () => site.log?.(request));
  const reply = { site, request, response, path: join(site.folder, request.name) };
  if (await sendFault(reply)) return;
  switch (request.step) {
    case 'redirect':
      return sendPage(reply, 303, '', { location: `/usercontent/download${url.search}` });
    case 'form':
      return sendPage(reply, 200, scanPage(formOf(site, request, url)));
    case 'refusal':
      if (request.name === '') return sendPage(reply, 404, htmlPage('Not found'));
      return sendPage(reply, 403, htmlPage('Unusual traffic from your network'));
    case 'file':
      return sendFile(reply, headersOf(request));
  }
}

function route({ names }, { pathname, searchParams }) {
  if (/^(\/usercontent)?\/download$/.test(pathname)) {
    return { source: 'google-drive', name: names.byId.get(searchParams.get('id')) ?? '' };
  }
  const record = /^\/records\/\d+\/files\/([^/]+)$/.exec(pathname);
  const name = decodeURIComponent(record ? record[1] : pathname.slice(1));
  return { source: record ? 'zenodo' : 'http', name: names.known.has(name) ? name : '' };
}

async function sizeOf(path) {
  return (await stat(path)).size;
}

function stepOf(site, { source, name, size }, { pathname, searchParams }, { headers }) {
  if (name === '') return 'refusal';
  if (source === 'zenodo' && !/\bpcam\//.test(headers['user-agent'] ?? '')) return 'refusal';
  if (source !== 'google-drive') return 'file';
  if (site.redirects && pathname === '/download') return 'redirect';
  const scanned = searchParams.get('confirm') === 't' && site.uuids.has(searchParams.get('uuid'));
  return size > (site.scanOver ?? Number.POSITIVE_INFINITY) && !scanned ? 'form' : 'file';
}

/** The fields of the virus-scan form: without its confirm and uuid there is no file. */
function formOf(site, { name, size }, { searchParams }) {
  const uuid = randomUUID();
  site.uuids.add(uuid);
  const fields = { id: searchParams.get('id'), export: 'download', confirm: 't', uuid };
  return { action: '/usercontent/download', fields, name, size };
}

/** What each host says beside the bytes. Zenodo's Retry-After with good replies means nothing. */
function headersOf({ source, name, size }) {
  const common = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' };
  switch (source) {
    case 'google-drive':
      return { ...common, 'content-disposition': `attachment; filename="${name}"` };
    case 'zenodo':
      return { ...common, 'retry-after': '60', 'x-ratelimit-limit': '133', etag: `"${name}-${size}"` };
    default:
      return { ...common, etag: `"${size.toString(16)}"` };
  }
}
