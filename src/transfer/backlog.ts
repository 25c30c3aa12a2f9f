/** Keeps a transfer from running away from the digests and the decompression that come behind it. */
import type { Clock } from '../core/index.js';
import { sleep } from './rate-limit.js';

/** How often a lane that waits looks again (ms). */
const LOOK_EVERY = 20;

/** Waits, after a block was written, while too much lies unprocessed; undefined where there is nothing to wait for. */
export type Backlog = (signal: AbortSignal) => Promise<void> | undefined;

export const NO_BACKLOG: Backlog = () => undefined;

/**
 * On a network faster than digests and gunzip, the file would be in place long after its last byte, and the bytes
 * between would crowd everything else out of memory.
 * @param ahead bytes that are there and not yet processed; only those, or waiting could be for ever
 * @param most bytes that the transfer may be ahead
 */
export function backlogOf(ahead: () => number, most: number, clock: Clock): Backlog {
  return (signal) => (ahead() > most ? waitWhile(() => ahead() > most, clock, signal) : undefined);
}

async function waitWhile(condition: () => boolean, clock: Clock, signal: AbortSignal): Promise<void> {
  while (condition()) await sleep(LOOK_EVERY, clock, signal);
}
