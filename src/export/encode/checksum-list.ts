/** Lists of files with their SHA-256, in the format of `sha256sum`. */
export function listLine(sha256: string, file: string): string {
  return `${sha256}  ${file}\n`;
}

/** Lines that are not of this format are left out. */
export function parseList(text: string): { sha256: string; file: string }[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]{64}) {2}(.+)$/.exec(line);
    return match ? [{ sha256: match[1]!, file: match[2]! }] : [];
  });
}
