/** Fields of a CSV (RFC 4180) as PCam's own meta files write them. */

/** Booleans as Python writes them, text in quotes where it needs them. */
export function csvField(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
