/** Only a reply that is the bytes that were asked for is accepted as them. */
import { describe, expect, it } from 'vitest';
import type { HttpReply } from '#pcam/net/http.js';
import { acceptRange, parseContentRange, rangeHeaders } from '#pcam/net/ranged.js';
import { sourceFailure } from '../support/outcome.js';

describe('parseContentRange', () => {
  it.each([
    ['bytes 0-499/1234', { start: 0, end: 500, total: 1234 }],
    ['bytes 500-1233/1234', { start: 500, end: 1234, total: 1234 }],
    ['bytes 0-0/1', { start: 0, end: 1, total: 1 }],
    ['bytes 0-9/*', { start: 0, end: 10, total: undefined }],
    [' BYTES  0-9/10 ', { start: 0, end: 10, total: 10 }],
    ['bytes 6421353461-6421353461/6421353462', { start: 6421353461, end: 6421353462, total: 6421353462 }],
  ])('%s', (header, range) => {
    expect(parseContentRange(header)).toEqual(range);
  });

  it.each([
    undefined,
    '',
    'bytes */1234',
    'bytes 5-4/10',
    'bytes 0-10/10',
    'bytes -5/10',
    'bytes 0-/10',
    'items 0-4/10',
    'bytes 0-4',
    'bytes 0-4/10, 5-6/10',
    'bytes 0x0-4/10',
    'bytes 0-9999999999999999/9999999999999999',
  ])('refuses %s', (header) => {
    expect(parseContentRange(header)).toBeUndefined();
  });
});

it('asks for half-open ranges in the terms of HTTP', () => {
  expect(rangeHeaders({ start: 5, end: 10 })).toEqual({ range: 'bytes=5-9' });
  expect(rangeHeaders({ start: 0, end: Number.POSITIVE_INFINITY })).toEqual({ range: 'bytes=0-' });
  expect(rangeHeaders({ start: 5, end: 10, validator: '"a"' })).toEqual({
    range: 'bytes=5-9',
    'if-range': '"a"',
  });
  // From a journal that somebody edited.
  expect(rangeHeaders({ start: 5, end: 10, validator: '"a"\r\nx: y' })).toEqual({ range: 'bytes=5-9' });
});

describe('acceptRange', () => {
  function reply(status: number, headers: Record<string, string>, page = '') {
    const state = { discarded: false };
    const made: HttpReply = {
      url: new URL('http://host/file'),
      method: 'GET',
      setCookies: [],
      proxy: undefined,
      status,
      headers,
      body: (async function* () {})(),
      text: async () => page,
      discard: () => {
        state.discarded = true;
      },
    };
    return { reply: made, state };
  }

  const range = { start: 10, end: 20 };
  const accept = (status: number, headers: Record<string, string>, { size = 100, page = '' } = {}) =>
    acceptRange(reply(status, headers, page).reply, range, size);

  it('takes what was asked for', async () => {
    expect(await accept(206, { 'content-range': 'bytes 10-19/100', etag: '"a"' })).toMatchObject({
      start: 10,
      end: 20,
      total: 100,
      ranged: true,
      validator: '"a"',
    });
  });

  it('takes less than was asked for', async () => {
    expect(await accept(206, { 'content-range': 'bytes 10-14/100' })).toMatchObject({ start: 10, end: 15 });
  });

  it('knows the whole file when it sees it', async () => {
    expect(await accept(200, { 'content-length': '100' })).toMatchObject({
      start: 0,
      end: 100,
      total: 100,
      ranged: false,
    });
    expect(await accept(200, {})).toMatchObject({
      start: 0,
      end: undefined,
      total: undefined,
      ranged: false,
    });
  });

  it.each(['gzip', 'x-gzip', 'br', 'gzip, gzip'])(
    'refuses a body that is coded once more: %s',
    async (coding) => {
      for (const [status, about] of [
        [200, {}],
        [200, { 'content-length': '60' }],
        [206, { 'content-range': 'bytes 10-19/60' }],
        [206, { 'content-range': 'bytes 10-19/*' }],
      ] as const) {
        const failure = await sourceFailure(() => accept(status, { ...about, 'content-encoding': coding }));
        expect(failure.kind).toBe('wrong');
        expect(failure.message).toContain(`Content-Encoding: ${coding}`);
        expect(failure.hint).toContain('compression');
      }
    },
  );

  it('takes an archive that is only labelled with its own coding: its size is that of the file', async () => {
    const coding = { 'content-encoding': 'x-gzip' };
    const ranged = { 'content-range': 'bytes 10-19/100', ...coding };
    expect((await accept(206, ranged)).total).toBe(100);
    expect((await accept(200, { 'content-length': '100', ...coding })).total).toBe(100);
    expect((await accept(200, { 'content-encoding': 'identity' })).ranged).toBe(false);
  });

  it('does not read Retry-After of a good reply as a wish', async () => {
    expect((await accept(206, { 'content-range': 'bytes 10-19/100', 'retry-after': '60' })).ranged).toBe(
      true,
    );
    expect((await accept(200, { 'content-length': '100', 'retry-after': '60' })).ranged).toBe(false);
  });

  it('takes Last-Modified where there is no ETag, and ignores a weak one', async () => {
    const then = 'Fri, 02 Jan 2026 03:04:05 GMT';
    const content = { 'content-range': 'bytes 10-19/100', 'last-modified': then };
    expect((await accept(206, content)).validator).toBe(then);
    expect((await accept(206, { ...content, etag: 'W/"a"' })).validator).toBeUndefined();
    expect((await accept(206, { ...content, etag: 'none' })).validator).toBeUndefined();
  });

  it('takes no Last-Modified of the second in which it was sent: it may be the same for another version', async () => {
    const date = 'Fri, 02 Jan 2026 03:04:05 GMT';
    const content = { 'content-range': 'bytes 10-19/100', date };
    expect((await accept(206, { ...content, 'last-modified': date })).validator).toBeUndefined();
    expect((await accept(206, { ...content, 'last-modified': 'no date' })).validator).toBeUndefined();
    const before = 'Fri, 02 Jan 2026 03:04:04 GMT';
    expect((await accept(206, { ...content, 'last-modified': before })).validator).toBe(before);
  });

  it.each<[string, number, Record<string, string>, string]>([
    ['another range', 206, { 'content-range': 'bytes 0-9/100' }, 'passing'],
    ['more than was asked for', 206, { 'content-range': 'bytes 10-99/100' }, 'passing'],
    ['a range without Content-Range', 206, {}, 'passing'],
    ['several ranges', 206, { 'content-type': 'multipart/byteranges; boundary=x' }, 'passing'],
    ['a page', 200, { 'content-type': 'text/html; charset=utf-8' }, 'refused'],
    ['a page with 206', 206, { 'content-type': 'Text/HTML', 'content-range': 'bytes 10-19/100' }, 'refused'],
    ['XHTML', 200, { 'content-type': 'application/xhtml+xml' }, 'refused'],
    ['403', 403, {}, 'refused'],
    ['404', 404, {}, 'wrong'],
    ['410', 410, {}, 'wrong'],
    ['401', 401, {}, 'wrong'],
    ['204', 204, {}, 'wrong'],
    ['302 without a target', 302, {}, 'wrong'],
    ['408', 408, {}, 'passing'],
    ['416', 416, { 'content-range': 'bytes */5' }, 'refused'],
    ['429', 429, {}, 'busy'],
    ['500', 500, {}, 'passing'],
    ['502', 502, {}, 'passing'],
    ['503', 503, {}, 'busy'],
  ])('refuses %s and lets go of the connection', async (_, status, headers, kind) => {
    const { reply: one, state } = reply(status, headers);
    expect((await sourceFailure(() => acceptRange(one, range))).kind).toBe(kind);
    expect(state.discarded).toBe(true);
  });

  it('hears when 429 and 503 ask to wait', async () => {
    for (const status of [429, 503]) {
      const failure = await sourceFailure(() => accept(status, { 'retry-after': '7' }));
      expect(failure).toMatchObject({ retryAfter: 7000, wholeHost: true });
    }
  });

  it('hears when 403 asks to wait, and not what good replies of Zenodo say as well', async () => {
    const rate = { 'x-ratelimit-remaining': '130', 'x-ratelimit-reset': '9999999999' };
    const waiting = await sourceFailure(() => accept(403, { 'retry-after': '6', ...rate }));
    expect(waiting).toMatchObject({ kind: 'busy', retryAfter: 6000, wholeHost: true, status: 403 });
    const refused = await sourceFailure(() => accept(403, rate));
    expect(refused).toMatchObject({ kind: 'refused', retryAfter: undefined, wholeHost: false });
  });

  // https://github.com/oschwengers/bakta/issues/419
  const BLOCKED = `<html>
    <head><title>403 Forbidden</title></head>
    <body style="max-width: 600px;"><h1>403 Forbidden</h1><hr>
    <p>Access to this resource has been blocked due to unusual traffic from your network.</p>
    <p>If you believe this is a mistake, please contact <a href="mailto:s@z">s@z</a> with the reference information below.</p>
    <p><strong>Reference:</strong> <code>3e9c826730bc98bead604da5b5109130</code><br></p></body></html>`;

  it.each(['text/html', 'application/octet-stream'])(
    'says what a block page of type %s says',
    async (type) => {
      const failure = await sourceFailure(() => accept(403, { 'content-type': type }, { page: BLOCKED }));
      expect(failure.message).toContain(
        'host answered 403 (refused, "403 Forbidden: Access to this resource has been blocked due to unusual traffic',
      );
      expect(failure.message).toContain('Reference: 3e9c826730bc98bead604da5b5109130');
      expect(failure.hint).toMatch(/another network.*token.*User-Agent is pcam\/\d.*cache/);
    },
  );

  it.each([
    ['<h1>Sorry</h1>Incident ID: 7-22A4 and more', ''],
    ['Reference&nbsp;#18.2d351ab8.1557333295.a4e16ab', ''],
    ['<title>Attention Required!</title> Ray ID: 7d0e2b1c9f', ', "Attention Required!", Ray ID: 7d0e2b1c9f'],
    ['<title>Too many</title>Reference #18.2d351ab8.1557', ', "Too many", Reference #18.2d351ab8.1557'],
    ['<title>x</title>with the reference information below', ', "x"'],
    ['', ''],
    ['\u001b[31m<title>\u001b[31mred</title>', ', "\\x1b[31mred"'],
  ])('finds the reference in %j', async (page, said) => {
    const { message } = await sourceFailure(() => accept(429, {}, { page }));
    if (said !== '') expect(message).toBe(`host answered 429 (too busy${said})`);
    else expect(message).toMatch(/^host answered 429 \(too busy/);
  });

  it.each(['<'.repeat(16_384), '<p '.repeat(5000), '<title '.repeat(2300), 'reference '.repeat(1600)])(
    'is not held up by a page that is made to be slow (%#)',
    async (page) => {
      const began = performance.now();
      await sourceFailure(() => accept(403, {}, { page }));
      expect(performance.now() - began).toBeLessThan(1000);
    },
  );
});
