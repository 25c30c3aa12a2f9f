/** Text files in an export: fields of a CSV (RFC 4180) as PCam's own meta files write them, and lists in the format of `sha256sum`. */

/** Booleans as Python writes them, text in quotes where it needs them. */
export function csvField(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line of a list of files with their SHA-256. */
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
