/** What `pcam info` prints: a table of all files, everything about one, or how to cite. */
import {
  formatBytes,
  formatInteger,
  type NextStep,
  PcamError,
  printable,
  shortName,
} from '../../core/index.js';
import type { FileInfo, FileState, InfoResult } from '../../info/index.js';
import type { Paint, Style, table } from '../../report/index.js';

const STYLES: Partial<Record<FileState, Style>> = {
  verified: 'green',
  corrupt: 'red',
  partial: 'yellow',
  missing: 'yellow',
};

export interface InfoLayout {
  layOut: typeof table;
  paint: Paint;
}

/** The files in 80 columns, where they come from, and a closing line. */
export function infoText(info: InfoResult, { layOut, paint }: InfoLayout): string {
  const { files, sources, license, citation, dir } = info;
  const head = ['file', 'size', 'state', 'sources'];
  const rows = files.map((file) => [
    shortName(nameOnDisk(file)),
    sizeOf(file),
    file.state,
    file.sources.join(' ') || '-',
  ]);
  const style = (row: number, column: number) =>
    row === 0 ? 'dim' : column === 2 ? STYLES[files[row - 1]!.state] : undefined;
  const options = {
    right: [1],
    paint: (cell: string, row: number, column: number) => paint(style(row, column), cell),
  };
  const verified = files.filter(({ state }) => state === 'verified').length;
  return [
    layOut([head, ...rows], options),
    '',
    ...sources.map(({ id, type, baseUrl, record }) =>
      printable(`source ${id}: ${type}, ${baseUrl}${record ? `, record ${record}` : ''}`),
    ),
    printable(
      `license ${license ?? 'not given'}${citation.length > 0 ? `; cite ${citation.join(', ')} (--cite for BibTeX)` : ''}`,
    ),
    '',
    printable(`${verified} of ${files.length} files verified in ${dir}.`),
  ].join('\n');
}

/** @param name in the manifest, on the disk or in short: `train_x.h5` */
export function findFile({ files }: InfoResult, name: string): FileInfo {
  const names = (file: FileInfo) =>
    [file.name, nameOnDisk(file)].flatMap((full) => [
      full,
      shortName(full),
      shortName(full).replace(/\..*/, ''),
    ]);
  const found = files.find((file) => names(file).includes(name));
  if (found) return found;
  throw new PcamError('USAGE', `the manifest has no file ${name}`, {
    hint: `it has ${files.map((file) => shortName(nameOnDisk(file))).join(', ')}`,
  });
}

/** Everything that is known about one file. */
export function fileText(file: FileInfo, { layOut }: InfoLayout): string {
  const { extracted } = file;
  const rows = [
    ['name', file.name],
    ['split', file.split],
    ['kind', file.kind],
    ['size', exactSize(file.bytes)],
    ['MD5', file.md5],
    ['SHA-256', file.sha256 ?? 'not published'],
    ...(extracted
      ? [
          ['decompressed', extracted.name],
          ['  size', exactSize(extracted.bytes)],
          ['  MD5', extracted.md5],
        ]
      : []),
    ['sources', file.sources.join(', ') || 'none'],
    ['state', file.state],
  ];
  return layOut(rows);
}

/** The next useful command for what is in the folder. */
export function nextAfterInfo(files: readonly FileInfo[]): [string, NextStep] {
  const states = new Set(files.map(({ state }) => state));
  if (states.has('corrupt')) return ['Fetch what is corrupt again', { command: 'download' }];
  if (states.has('partial')) return ['Resume the download', { command: 'download' }];
  if (states.has('unverified') || states.has('archive'))
    return ['Check what is there', { command: 'verify' }];
  if (states.size === 1 && states.has('missing')) return ['Fetch the data set', { command: 'download' }];
  if (states.has('missing')) return ['Fetch what is missing', { command: 'download' }];
  return ['Get to know the data', { command: 'stats' }];
}

function nameOnDisk({ name, extracted }: FileInfo): string {
  return extracted?.name ?? name;
}

function sizeOf({ bytes, extracted }: FileInfo): string {
  const size = extracted ? extracted.bytes : bytes;
  return size === null ? '?' : formatBytes(size);
}

function exactSize(bytes: number | null): string {
  if (bytes === null) return 'not published';
  const exact = `${formatInteger(bytes)} bytes`;
  return bytes < 1000 ? exact : `${exact} (${formatBytes(bytes)})`;
}
