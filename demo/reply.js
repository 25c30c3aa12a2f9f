/** Sends one reply, with whatever is to go wrong with it. */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { htmlPage, quotaPage } from './pages.js';

const CHUNK = 64 * 1024;

/**
 * What goes wrong with one reply; what can happen together may be given together.
 * @typedef {object} Fault
 * @property {'reset'} [refuse] the connection is reset before a reply
 * @property {boolean} [silent] the request is taken, and no reply comes
 * @property {number} [status] this status in place of the file
 * @property {'quota' | 'html'} [page] 200 and a page in place of the file
 * @property {string} [redirect] 302 to this place
 * @property {Record<string, string | undefined>} [headers] set, or left out where undefined
 * @property {boolean} [wholeFile] 200 and all of the file, whatever range was asked for
 * @property {number} [size] the size of the file that the headers claim
 * @property {'chunked' | 'close'} [unsized] no Content-Length: chunks, or the end of the connection
 * @property {number} [flip] the byte at this offset of the body is wrong
 * @property {number} [trickle] bytes a second
 * @property {number} [after] bytes of the body after which `ending` happens
 * @property {'reset' | 'close' | 'end' | 'stall'} [ending] RST; FIN in the middle; a proper end, too early; silence
 */

/** Sends a reply that is not the file, if the fault asks for one. */
export async function sendFault(reply) {
  const { request, response } = reply;
  const { refuse, silent, status, page, redirect, headers } = request.fault ?? {};
  if (refuse) {
    response.socket.resetAndDestroy();
    return true;
  }
  if (silent) {
    await new Promise((resolve) => response.once('close', resolve));
    return true;
  }
  if (redirect !== undefined) return sendPage(reply, 302, '', { ...headers, location: redirect });
  if (page) return sendPage(reply, 200, page === 'quota' ? quotaPage() : htmlPage('Please log in'), headers);
  if (status !== undefined && status >= 300)
    return sendPage(reply, status, htmlPage(String(status)), headers);
  return false;
}

/** @returns {boolean} true */
export function sendPage({ request, response }, status, html, headers = {}) {
  request.status = status;
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...defined(headers) });
  response.end(html);
  return true;
}

/** Sends the file, or the range of it that was asked for. */
export async function sendFile(reply, ownHeaders) {
  const { request, response, path } = reply;
  const fault = request.fault ?? {};
  const { size } = request;
  const claimed = fault.size ?? size;
  const range = fault.wholeFile ? undefined : request.range;
  if (range && range.start >= size) {
    return sendPage(reply, 416, '', { 'content-range': `bytes */${claimed}` });
  }
  const { start, end } = { start: range?.start ?? 0, end: Math.min(range?.end ?? size, size) };
  request.status = range ? 206 : 200;
  const about = range ? { 'content-range': `bytes ${start}-${end - 1}/${claimed}` } : {};
  const length = range || fault.size === undefined ? end - start : claimed;
  if (fault.unsized === undefined) Object.assign(about, { 'content-length': String(length) });
  // Without chunks the end of the connection is the end of the body.
  if (fault.unsized === 'close') response.useChunkedEncodingByDefault = false;
  response.writeHead(request.status, defined({ ...ownHeaders, ...about, ...fault.headers }));
  response.flushHeaders();
  const handle = await open(path, 'r');
  try {
    await sendBody(reply, handle, { start, end: Math.min(end, start + (fault.after ?? size)) });
  } finally {
    await handle.close();
  }
  if (end - start > (fault.after ?? size)) await breakOff(response, fault.ending ?? 'reset');
  else response.end();
}

async function sendBody(reply, handle, { start, end }) {
  const { site, request, response } = reply;
  const { flip, trickle } = request.fault ?? {};
  const wrong = flip === undefined ? -1 : start + flip;
  const most = Math.min(CHUNK, Math.ceil((trickle ?? site.rate ?? CHUNK * 50) / 50));
  for (let at = start; at < end && !response.destroyed; ) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(most, end - at)), 0, undefined, at);
    if (bytesRead === 0) return response.destroy();
    const bytes = buffer.subarray(0, bytesRead);
    if (wrong >= at && wrong < at + bytesRead) bytes[wrong - at] ^= 0xff;
    await pace(site, bytesRead, trickle);
    await write(response, bytes);
    request.sent += bytesRead;
    at += bytesRead;
  }
}

/** Resolves once the bytes are on their way, or the client has gone. */
function write(response, bytes) {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve(undefined);
    response.once('close', resolve);
    response.write(bytes, () => {
      response.off('close', resolve);
      resolve(undefined);
    });
  });
}

async function pace(site, bytes, trickle) {
  if (trickle !== undefined) return sleep((bytes / trickle) * 1000, undefined, { signal: site.stop });
  if (site.rate === undefined) return;
  const now = performance.now();
  site.paidUntil = Math.max(site.paidUntil, now) + (bytes / site.rate) * 1000;
  await sleep(site.paidUntil - now, undefined, { signal: site.stop });
}

async function breakOff(response, how) {
  if (response.destroyed) return;
  if (how === 'reset') response.socket?.resetAndDestroy();
  else if (how === 'close') response.socket?.end();
  else if (how === 'end') response.end();
  else await new Promise((resolve) => response.once('close', resolve));
}

function defined(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}
