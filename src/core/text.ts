/** The text of messages: safe for a terminal, without secrets, numbers and names as people read them. */

/** Characters that a terminal obeys rather than shows: C0 and C1 controls, and those that change the text direction. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Outside text (file names, server messages) made safe for a terminal: escape sequences, control characters
 * and bidirectional overrides become visible, and the length is bounded. Line ends too: the second line of a server's
 * message could pass for a message of pcam.
 */
export function printable(text: string, maxLength = 2000): string {
  const safe = text.replace(UNSAFE, visible);
  return safe.length > maxLength ? `${safe.slice(0, maxLength)}…` : safe;
}

/** The same for pcam's own text, which may have several lines. */
export function printableLines(text: string): string {
  return text.replace(UNSAFE, (character) => (character === '\n' ? character : visible(character)));
}

/**
 * JSON that is safe for a terminal: JSON.stringify itself escapes the C0 controls alone. A list of numbers, such as a
 * histogram, is one line.
 */
export function printableJson(value: unknown, indent = 2): string {
  // Line breaks are never inside a string.
  const text = JSON.stringify(value, null, indent).replace(/\[\n[\d\s,.e+-]*\]/g, (list) =>
    list.replace(/\s+/g, '').replaceAll(',', ', '),
  );
  return text.replace(UNSAFE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function visible(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/**
 * A URL as messages and results may show it: scheme, host and path. User names, passwords, queries (signed URLs keep their tokens there) and fragments are
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

/** `12.3 MB`: decimal units, as disks and networks count. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '?';
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toPrecision(3)} ${units[unit]}`;
}

/** `1 h 02 min`, `3 min 05 s`, `12 s`, `0.4 s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole >= 3600) {
    return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
  }
  if (whole >= 60) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return seconds > 0 && seconds < 1 ? `${Math.max(0.1, seconds).toFixed(1)} s` : `${whole} s`;
}

/** `262,144`. Intl would say the same, and takes 12 ms to load. */
export function formatInteger(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 file`, `3 files`. */
export function count(n: number, noun: string): string {
  return `${formatInteger(n)} ${noun}${n === 1 ? '' : /[sx]$|[cs]h$/.test(noun) ? 'es' : 's'}`;
}

/** The candidate nearest to a mistyped word, if it is near enough to be worth a suggestion. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    // A word of which nothing is left is no suggestion: `2` is no mistyped `0`.
    if (distance < Math.min(bestDistance, candidate.length)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length]!;
}

/** Lines of at most `columns` characters, broken at spaces and indented like the first one. A longer word stays whole. */
export function wrapText(text: string, columns: number | undefined): string[] {
  if (columns === undefined) return [text];
  const indent = /^ */.exec(text)![0].length + 2;
  const lines: string[] = [];
  let rest = text;
  while (rest.length >= columns) {
    const start = lines.length === 0 ? indent - 2 : indent;
    const before = rest.lastIndexOf(' ', columns - 1);
    const space = before > start ? before : rest.indexOf(' ', Math.max(columns, start + 1));
    if (space < 0) break;
    lines.push(rest.slice(0, space));
    rest = ' '.repeat(indent) + rest.slice(space).trimStart();
  }
  return [...lines, rest];
}

const UPSTREAM_PREFIX = 'camelyonpatch_level_2_split_';

/** A text about files with the short names of them. */
export function shortNames(text: string): string {
  return text.replaceAll(UPSTREAM_PREFIX, '');
}

/** The part of an upstream name that differs between files: `train_x.h5.gz`. */
export function shortName(name: string): string {
  return printable(name.startsWith(UPSTREAM_PREFIX) ? name.slice(UPSTREAM_PREFIX.length) : name, 40);
}
