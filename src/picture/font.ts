/** A bitmap font, 7 px high, for what captions say: the names of splits and numbers. */

/** Height of every glyph in px; the baseline is the last row. */
export const GLYPH_HEIGHT = 7;
/** Px between two glyphs. */
export const GLYPH_SPACE = 1;

export interface Glyph {
  /** From the top; `#` is ink. */
  readonly rows: readonly string[];
  readonly width: number;
}

const DIGITS = `
.###. ..#.. .###. .###. ...#. ##### ..##. ##### .###. .###.
#...# .##.. #...# #...# ..##. #.... .#... ....# #...# #...#
#...# ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...#
#...# ..#.. ...#. ..##. #..#. ....# ####. ..#.. .###. .####
#...# ..#.. ..#.. ....# ##### ....# #...# ..#.. #...# ....#
#...# ..#.. .#... #...# ...#. #...# #...# .#... #...# ...#.
.###. .###. ##### .###. ...#. .###. .###. .#... .###. .##..
`;

const LETTERS = `
..... ....# ..... # ## ..... .... ..... .#.. .....
..... ....# ..... . .# ..... .... ..... .#.. .....
.###. .##.# .###. # .# ####. #.## .#### #### #...#
....# #..## #...# # .# #...# ##.. #.... .#.. #...#
.#### #...# ##### # .# #...# #... .###. .#.. .#.#.
#...# #..## #.... # .# #...# #... ....# .#.. .#.#.
.#### .##.# .###. # .# #...# #... ####. ..## ..#..
`;

const GLYPHS = new Map<string, Glyph>([
  ...cut('0123456789', DIGITS),
  ...cut('adeilnrstv', LETTERS),
  [' ', blank(3)],
]);

/** The glyph of a character; a gap where the font has none. */
export function glyphOf(character: string): Glyph {
  return GLYPHS.get(character) ?? blank(3);
}

function cut(characters: string, drawing: string): [string, Glyph][] {
  const lines = drawing
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  return [...characters].map((character, i) => [
    character,
    { rows: lines.map((line) => line[i]!), width: lines[0]![i]!.length },
  ]);
}

function blank(width: number): Glyph {
  return { rows: Array.from({ length: GLYPH_HEIGHT }, () => '.'.repeat(width)), width };
}
