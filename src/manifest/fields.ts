/** The fields of a manifest's objects, read one by one: every refusal names the field by its full path. */
import { PcamError, printable } from '../core/index.js';
import { isRecord, isSize } from './json.js';
import { parseWebUrl } from './web-url.js';

const LARGEST_NAME = 200;
// The names that Windows keeps for devices, with any extension.
const DEVICE_NAME = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
const PLAIN_NAME = /^[\p{L}\p{N}_][\p{L}\p{N} ._()+=,@-]*$/u;

/** Reads one object of a manifest. */
export class Fields {
  readonly #path: string;
  readonly #at: string;
  readonly #record: Record<string, unknown>;

  constructor(path: string, at: string, value: unknown) {
    if (!isRecord(value)) throw bad(path, `${at || 'the manifest'} must be an object, not ${show(value)}`);
    this.#path = path;
    this.#at = at;
    this.#record = value;
  }

  bad(name: string, problem: string): PcamError {
    return bad(this.#path, `${this.#name(name)} ${problem}`);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#record, name) && this.#record[name] !== null;
  }

  raw(name: string): unknown {
    return Object.hasOwn(this.#record, name) ? this.#record[name] : undefined;
  }

  child(name: string): Fields {
    return new Fields(this.#path, this.#name(name), this.raw(name));
  }

  text(name: string): string {
    const value = this.raw(name);
    if (typeof value !== 'string' || value === '') {
      throw this.bad(name, `must be a non-empty string, not ${show(value)}`);
    }
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  list(name: string): unknown[] {
    const value = this.raw(name);
    if (!Array.isArray(value)) throw this.bad(name, `must be a list, not ${show(value)}`);
    return value;
  }

  texts(name: string): string[] {
    const value = this.list(name);
    if (!value.every((item) => typeof item === 'string')) throw this.bad(name, 'must be a list of strings');
    return value as string[];
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.raw(name);
    if (!allowed.includes(value as T)) {
      throw this.bad(name, `must be one of ${allowed.join(', ')}, not ${show(value)}`);
    }
    return value as T;
  }

  hex(name: string, length: number): string {
    const value = this.text(name).toLowerCase();
    if (value.length !== length || !/^[0-9a-f]+$/.test(value)) {
      throw this.bad(name, `must be ${length} hex digits, not ${show(value)}`);
    }
    return value;
  }

  optionalSize(name: string): number | undefined {
    if (!this.has(name)) return undefined;
    const value = this.raw(name);
    if (!isSize(value)) throw this.bad(name, `must be a whole number of bytes, not ${show(value)}`);
    return value;
  }

  httpUrl(name: string): string {
    const parsed = parseWebUrl(this.text(name));
    if ('problem' in parsed) throw this.bad(name, parsed.problem);
    return parsed.url;
  }

  /** A plain file name: no folders, nothing hidden, nothing that a file system takes for something else. */
  fileName(name: string): string {
    const value = this.text(name);
    const plain =
      PLAIN_NAME.test(value) &&
      !/[. ]$/.test(value) &&
      !DEVICE_NAME.test(value) &&
      Buffer.byteLength(value) <= LARGEST_NAME;
    if (!plain) throw this.bad(name, `must be a plain file name, not ${show(value)}`);
    return value;
  }

  #name(name: string): string {
    return this.#at ? `${this.#at}.${name}` : name;
  }
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = 'something nested too deeply'; // JSON.stringify recurses where JSON.parse does not
  }
  return printable(text ?? 'nothing', 120);
}

export function bad(path: string, problem: string): PcamError {
  return new PcamError('BAD_MANIFEST', `the manifest ${path} cannot be used: ${problem}`, {
    hint: 'manifest.schema.json beside the built-in manifest describes every field',
  });
}
