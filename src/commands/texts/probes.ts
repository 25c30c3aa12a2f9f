/** What `pcam info --probe` prints: how each source answered. */
import { formatBytes, printable, shortNames } from '../../core/index.js';
import type { Probe } from '../../info/index.js';
import type { table } from '../../report/index.js';

export function probesText(probes: readonly Probe[], layOut: typeof table): string {
  const rows = probes.map(({ source, status, latency, bytesPerSecond, size, file, proxy }) => [
    source,
    status,
    latency === null ? '-' : `${latency} ms`,
    bytesPerSecond === null ? '-' : `${formatBytes(bytesPerSecond)}/s`,
    size === null ? '-' : formatBytes(size),
    shortNames(file ?? '-'),
    proxy ?? 'none',
  ]);
  const head = ['source', 'answer', 'latency', 'speed', 'size', 'file', 'proxy'];
  const more = probes.flatMap(({ source, url, message, hint }) => [
    printable(`${source}: ${message === null ? url : `${url}: ${message}`}`),
    ...(hint === null ? [] : [`  ${printable(hint)}`]),
  ]);
  return [layOut([head, ...rows], { right: [2, 3, 4] }), '', ...more].join('\n');
}
