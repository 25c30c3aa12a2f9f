/** How many worker threads the memory limit of a container allows. */
import { totalmem } from 'node:os';
import { formatBytes, type OnEvent } from '../core/index.js';

/** What pcam needs without workers, and for each of them; measured on exports and statistics of 32,768 patches. */
const BASE_BYTES = 96 * 2 ** 20;
const WORKER_BYTES = 32 * 2 ** 20;

/**
 * @param limit bytes that the process may use (the limit of its cgroup); 0 or more than the machine has: no limit
 * @returns `wanted`, or fewer, which is said once
 */
export function affordableWorkers(
  wanted: number,
  onEvent: OnEvent | undefined,
  limit = process.constrainedMemory(),
): number {
  if (limit === 0 || limit >= totalmem()) return wanted;
  const affordable = Math.max(1, Math.floor((limit - BASE_BYTES) / WORKER_BYTES));
  if (affordable >= wanted) return wanted;
  const message = `using ${affordable} of ${wanted} workers, as the memory is limited to ${formatBytes(limit)}`;
  onEvent?.({ type: 'notice', message });
  return affordable;
}
