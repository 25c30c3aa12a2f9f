/** Patterns of slide names: `*` any letters, `?` one letter, `[abc]` and `[0-9]` one of some, `[!abc]` none of them. */

type Letter = (letter: string) => boolean;
/** One letter, or `*`. */
type Token = Letter | '*';

/** Compares in time proportional to pattern times name: patterns come from outside. */
export function globMatcher(pattern: string): (name: string) => boolean {
  const tokens = parse([...pattern]);
  return (name) => matches(tokens, [...name]);
}

function parse(letters: readonly string[]): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i]!;
    const end = letter === '[' ? letters.indexOf(']', i + 2) : -1;
    if (letter === '*') tokens.push('*');
    else if (letter === '?') tokens.push(() => true);
    else if (end > 0) {
      tokens.push(oneOf(letters.slice(i + 1, end)));
      i = end;
    } else tokens.push((other) => other === letter);
  }
  return tokens;
}

function oneOf(letters: readonly string[]): Letter {
  const negated = letters[0] === '!' || letters[0] === '^';
  const set = negated ? letters.slice(1) : letters;
  const inside = (letter: string) =>
    set.some((first, i) => {
      if (set[i + 1] === '-' && i + 2 < set.length) return letter >= first && letter <= set[i + 2]!;
      return letter === first;
    });
  return (letter) => inside(letter) !== negated;
}

function matches(tokens: readonly Token[], name: readonly string[]): boolean {
  let [token, at] = [0, 0];
  // Where the last `*` is, and the letters that it has taken so far: going back to it alone is enough.
  let [star, taken] = [-1, 0];
  while (at < name.length) {
    const now = tokens[token];
    if (now === '*') {
      star = token++;
      taken = at;
    } else if (now?.(name[at]!)) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++taken;
    } else return false;
  }
  return tokens.slice(token).every((rest) => rest === '*');
}
