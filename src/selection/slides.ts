/** Patterns of slide names: `*` any characters, `?` one character, `[abc]` and `[0-9]` one of some, `[!abc]` none of them. */
import { PcamError, printable } from '../core/index.js';
import type { SplitName } from '../manifest/index.js';

const MAX_NAMES_SHOWN = 12;
/** A character class, or any single character. The first character of a class may be `]` itself. */
const TOKEN = /\[(.[^\]]*)\]|./gsu;

/**
 * A glob as a regular expression without backtracking: a lookahead with a back-reference is an atomic group, which keeps
 * the first match of the text between two `*`. That is enough for a glob, and bounds the time for any pattern.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  const [first, ...rest] = fragments(pattern);
  const last = rest.pop();
  const middle = rest.map((fragment, i) => `(?=(.*?${fragment}))\\${i + 1}`).join('');
  const expression = new RegExp(`^${first}${middle}${last === undefined ? '' : `.*${last}`}$`, 'su');
  return (name) => expression.test(name);
}

/** Regular expressions of the text between the stars. */
function fragments(pattern: string): string[] {
  const found = [''];
  for (const [token, inClass] of pattern.matchAll(TOKEN)) {
    if (token === '*') found.push('');
    else found[found.length - 1] += inClass === undefined ? single(token) : characterClass([...inClass]);
  }
  return found;
}

function single(character: string): string {
  return character === '?' ? '.' : escaped(character);
}

function characterClass(characters: readonly string[]): string {
  const negated = characters[0] === '!' || characters[0] === '^';
  const members: string[] = [];
  for (let i = negated ? 1 : 0; i < characters.length; i++) {
    const [from, dash, to] = characters.slice(i, i + 3) as [string, string?, string?];
    if (dash !== '-' || to === undefined) members.push(escaped(from));
    else {
      // A reversed range is empty.
      if (from <= to) members.push(`${escaped(from)}-${escaped(to)}`);
      i += 2;
    }
  }
  return `[${negated ? '^' : ''}${members.join('')}]`;
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

/** Matches slides against patterns, and remembers the patterns that have matched none. */
export class SlideFilter {
  readonly #globs: readonly { pattern: string; matches: (name: string) => boolean }[];
  readonly #unused: Set<string>;
  readonly #known = new Set<string>();

  constructor(patterns: readonly string[]) {
    this.#globs = patterns.map((pattern) => ({ pattern, matches: globMatcher(pattern) }));
    this.#unused = new Set(patterns);
  }

  /** The slides of a split that a pattern matches. */
  among(slides: readonly string[]): Set<string> {
    const wanted = new Set<string>();
    for (const slide of slides) {
      this.#known.add(slide);
      for (const { pattern, matches } of this.#globs) {
        if (!matches(slide)) continue;
        wanted.add(slide);
        this.#unused.delete(pattern);
      }
    }
    return wanted;
  }

  /** @throws PcamError USAGE naming the slides that there are, when a pattern matches none */
  requireUsed(splits: readonly SplitName[]): void {
    const [pattern] = this.#unused;
    if (pattern === undefined) return;
    const known = [...this.#known].sort();
    const more = known.length > MAX_NAMES_SHOWN ? `, … (${known.length} in all)` : '';
    const names = known.slice(0, MAX_NAMES_SHOWN).join(', ') + more;
    throw new PcamError('USAGE', `no slide of ${splits.join(', ')} matches ${printable(pattern, 100)}`, {
      hint: `there are ${printable(names, 1000)}`,
    });
  }
}
