/** Colour for a few words, where the terminal has it and it is not switched off. */

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Style = keyof typeof CODES;
export type Paint = (style: Style | undefined, text: string) => string;

/** @param wanted `auto`: where the stream is a terminal */
export function painter(wanted: 'always' | 'never' | 'auto', stream: { isTTY?: boolean }): Paint {
  const on = wanted === 'always' || (wanted === 'auto' && stream.isTTY === true);
  return (style, text) => (on && style ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}
