/** When an export is whole, and the files that describe it then. */
import { type ExportFormat, FORMATS, type SplitSummary } from '../formats/index.js';
import type { Ledger } from './ledger.js';

/** `undefined` when another version of pcam wrote it. */
export function formatOf({ recipe }: Ledger): ExportFormat | undefined {
  return FORMATS.find(({ format, layout }) => format === recipe.format && layout === recipe.layout);
}

/** The files that describe a whole export. */
export function describe(ledger: Ledger, format: ExportFormat | undefined): { file: string; text: string }[] {
  const hasMeta = ({ split }: SplitSummary) =>
    ledger.inputs.some((input) => input.split === split && input.kind === 'meta');
  return format?.finish?.({ ...ledger, meta: ledger.splits.every(hasMeta) }) ?? [];
}

/** Whether every file of every split is there. */
export function isComplete({ recipe, splits, records }: Ledger, format: ExportFormat): boolean {
  return splits.every((split: SplitSummary) =>
    format.plan({ split, recipe }).every(({ files }) => files.every(({ file }) => records.has(file))),
  );
}
