/** What `pcam download --dry-run` prints: each file, what would be fetched, and the room that it takes. */
import { count, formatBytes, shortName } from '../../core/index.js';
import type { DownloadResult, DownloadStatus } from '../../download/index.js';
import type { table } from '../../report/index.js';

const WORDS: Partial<Record<DownloadStatus, string>> = {
  'would-import': 'would import',
  'would-resume': 'would resume',
  'would-download': 'would download',
  'would-fail': 'would fail',
};

export function planText({ files, room = 0 }: DownloadResult, dir: string, layOut: typeof table): string {
  const rows = files.map(({ name, status, bytes }) => [
    WORDS[status] ?? status,
    shortName(name),
    bytes > 0 ? formatBytes(bytes) : 'size not published',
  ]);
  const fetched = files.filter(({ status }) => status === 'would-download' || status === 'would-resume');
  const bytes = fetched.reduce((sum, file) => sum + file.bytes, 0);
  const what = `${count(fetched.length, 'file')} to fetch, ${formatBytes(bytes)}`;
  return `${layOut(rows)}\n\n${what}; needs ${formatBytes(Math.max(0, room))} of free disk in ${dir}.`;
}
