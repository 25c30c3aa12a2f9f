/** What `pcam verify` prints: one short line per file, findings, and a closing line. */
import { count, type NextStep, printable, shortName, shortNames } from '../../core/index.js';
import { type DatasetFile, finalName, type Manifest } from '../../manifest/index.js';
import type { Paint, Style, table } from '../../report/index.js';
import type { VerifiedFile, VerifyResult, VerifyStatus } from '../../verify/index.js';

const STYLES: Record<VerifyStatus, Style> = {
  ok: 'green',
  missing: 'yellow',
  partial: 'yellow',
  corrupt: 'red',
  swapped: 'red',
};

export interface VerifyReport {
  result: VerifyResult;
  dir: string;
  manifest: Manifest;
  layOut: typeof table;
  paint: Paint;
}

/** The text for stdout. */
export function verifyText({ result, dir, manifest, layOut, paint }: VerifyReport): string {
  const { files, findings } = result;
  const entries = new Map(manifest.files.map((file) => [file.name, file]));
  const rows = files.map(({ status, name, hint = '' }) => [
    status,
    shortName(finalName(entries.get(name)!)),
    shortNames(hint),
  ]);
  const lines = [
    layOut(rows, {
      paint: (cell, row, column) => (column === 0 ? paint(STYLES[files[row]!.status], cell) : cell),
    }),
    ...findings.map(({ level, message }) => `${level}: ${printable(shortNames(message))}`),
    `\n${summary(files, printable(dir))}`,
  ];
  return lines.join('\n');
}

/** `8 of 9 files right in pcam; 1 corrupt.` */
function summary(files: readonly VerifiedFile[], dir: string): string {
  const counts = new Map<VerifyStatus, number>();
  for (const { status } of files) counts.set(status, (counts.get(status) ?? 0) + 1);
  const right = counts.get('ok') ?? 0;
  const others = [...counts].filter(([status]) => status !== 'ok').map(([status, n]) => `${n} ${status}`);
  if (others.length === 0) return `${count(right, 'file')} verified in ${dir}, all right.`;
  return `${right} of ${count(files.length, 'file')} right in ${dir}; ${others.join(', ')}.`;
}

/** One command that repairs everything that one can, or the next useful one. */
export function nextAfterVerify({ ok, files }: VerifyResult, manifest: Manifest): [string, NextStep] {
  if (files.some(({ status }) => status === 'swapped')) {
    return ['Rename the swapped files back', { command: 'verify', fix: true }];
  }
  const bad = files.filter(({ status }) => status !== 'ok').map(({ name }) => name);
  if (bad.length === 0) {
    if (ok) return ['Get to know the data', { command: 'stats' }];
    return ['See the details of a file', { command: 'info' }];
  }
  const what = bad.length === 1 ? 'Fetch it' : 'Fetch them';
  return [what, { command: 'download', ...choiceOf(manifest.files, new Set(bad)) }];
}

/** The smallest choice of splits and kinds that covers the files; nothing where that is all of them. */
function choiceOf(
  all: readonly DatasetFile[],
  names: ReadonlySet<string>,
): Pick<NextStep, 'splits' | 'kinds'> {
  const chosen = all.filter(({ name }) => names.has(name));
  const of = <T>(files: readonly DatasetFile[], pick: (file: DatasetFile) => T) => [
    ...new Set(files.map(pick)),
  ];
  const splits = of(chosen, ({ split }) => split);
  const kinds = of(chosen, ({ kind }) => kind);
  return {
    splits: splits.length === of(all, ({ split }) => split).length ? undefined : splits,
    kinds: kinds.length === of(all, ({ kind }) => kind).length ? undefined : kinds,
  };
}
