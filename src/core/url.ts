/** The one way in which a URL may appear in a message or a result: without what is secret in it. */

/**
 * Scheme, host and path alone. User names, passwords, queries (signed URLs keep their tokens there) and fragments are
 * left out. A text that is not a URL comes back without whatever could be a password in it.
 */
export function showUrl(url: string | URL): string {
  const text = String(url);
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) {
    return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1').replace(/[?#].*$/s, '');
  }
  const { protocol, host, pathname } = new URL(text);
  // The slash after a host alone is what the URL parser adds.
  const path = pathname === '/' && !/\/([?#].*)?$/s.test(text) ? '' : pathname;
  return `${protocol}//${host}${path}`;
}
