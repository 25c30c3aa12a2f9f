/**
 * The receipts of an export in progress: a line for each shard, written before the shard gets its name. A run that was
 * killed left names, whose shards are whole, and receipts, by which the next run knows them.
 */
import { Appender, type Workspace } from '../../fs/index.js';
import { type Ledger, type LedgerHeader, parseHeader, parseRecord } from './ledger.js';
import type { FileRecord } from './types.js';

export const JOURNAL_FILE = 'journal.jsonl';

export class Journal {
  readonly #lines: Appender;

  private constructor(lines: Appender) {
    this.#lines = lines;
  }

  /** Starts a new journal, with what is known already. */
  static async create({
    path,
    header: { recipe, splits, inputs },
    known,
    workspace,
  }: {
    path: string;
    header: LedgerHeader;
    known: Iterable<FileRecord>;
    workspace: Workspace;
  }): Promise<Journal> {
    const text = toLines([{ ...recipe, splits, inputs }, ...known]);
    return new Journal(await Appender.create(path, text, workspace));
  }

  /** Resolves when the records are safe on the disk. Calls may overlap. */
  add(records: readonly FileRecord[]): Promise<void> {
    return this.#lines.append(toLines(records), { flush: true });
  }

  close(): Promise<void> {
    return this.#lines.close();
  }
}

function toLines(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

/**
 * What a journal says up to the first line that a crash tore; `undefined` when not even its header is whole.
 * @param path for messages
 */
export function parseJournal(text: string, path: string): Ledger | undefined {
  const lines = text.split('\n').slice(0, -1);
  const records = new Map<string, FileRecord>();
  let header: LedgerHeader | undefined;
  for (const line of lines) {
    try {
      const json: unknown = JSON.parse(line);
      if (!header) header = parseHeader(json, path);
      else {
        const record = parseRecord(json, path);
        records.set(record.file, record);
      }
    } catch {
      break;
    }
  }
  return header && { ...header, records };
}
