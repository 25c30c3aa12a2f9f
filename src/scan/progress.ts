/** The progress of scans of several splits, summed up. */
import type { OnEvent } from '../core/index.js';
import { countPatches } from '../dataset/index.js';
import type { Manifest, SplitName } from '../manifest/index.js';

export interface ScansRequest {
  dir: string;
  manifest: Manifest;
  splits: readonly SplitName[];
  onEvent?: OnEvent;
}

export interface ScansProgress {
  /** Takes the events of the scans. */
  readonly onEvent?: OnEvent;
  /** The scan of a split is there, from its images or from the cache. */
  done(split: SplitName): void;
}

/**
 * Announces all scans when the first one starts. As long as all come from the cache, which takes no time, nothing is
 * reported.
 * @throws PcamError MISSING, BAD_HDF5, IO
 */
export async function sumUpScans({ dir, manifest, splits, onEvent }: ScansRequest): Promise<ScansProgress> {
  if (!onEvent) return { done() {} };
  const totals = new Map<string, number>();
  for (const split of splits) totals.set(split, await countPatches({ dir, manifest, split }));
  let announced = false;
  const scanned = new Set<string>();
  const cached: string[] = [];
  const endCached = (task: string) => {
    const total = totals.get(task)!;
    const state = { task, step: 'scan', unit: 'patches', done: total, total } as const;
    onEvent({ type: 'end', ...state, outcome: 'present', seconds: 0 });
  };
  return {
    onEvent(event) {
      if (event.type === 'begin' && event.step === 'scan') {
        scanned.add(event.task);
        if (!announced) {
          const tasks = [...totals].map(([task, total]) => ({ task, total }));
          onEvent({ type: 'plan', unit: 'patches', tasks });
          for (const task of cached) endCached(task);
        }
        announced = true;
      }
      onEvent(event);
    },
    done(split) {
      if (scanned.has(split)) return;
      if (announced) endCached(split);
      else cached.push(split);
    },
  };
}
