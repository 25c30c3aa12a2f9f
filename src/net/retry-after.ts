/** What a server says of when to come back. */

/**
 * `Retry-After` (RFC 9110, 10.2.3): seconds or an HTTP date; else GitHub's and Zenodo's `X-RateLimit-Reset`, in
 * epoch seconds. The caller asks on 429 and 503 alone: Zenodo sends the header with good replies too.
 * @returns milliseconds from now, or undefined where there is no usable header
 */
export function parseRetryAfter(
  headers: Readonly<Record<string, string | undefined>>,
  now: number,
): number | undefined {
  const text = headers['retry-after']?.trim();
  if (text !== undefined && text !== '') {
    if (/^\d{1,15}(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
    // Each of the three forms of an HTTP date begins with the day's name; Date.parse would take '-5' for a year.
    const date = /^[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(date)) return Math.max(0, date - now);
  }
  const reset = headers['x-ratelimit-reset']?.trim();
  if (reset !== undefined && /^\d{1,12}$/.test(reset)) return Math.max(0, Number(reset) * 1000 - now);
  return undefined;
}
