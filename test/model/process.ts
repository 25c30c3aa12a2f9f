/** Runs of the real code as processes that can be stopped before any of their steps. */
import { AsyncLocalStorage } from 'node:async_hooks';

/** It is asked before each of its steps, and told what the step looks at and changes. */
export interface Process {
  readonly name: string;
  beforeStep(): Promise<void> | undefined;
  /**
   * @param what the list of names in a directory (`list 7`), a name in one (`name 7 lock`), or content and times of a
   *   file (`file 8`)
   */
  touch(what: string, changes: boolean): void;
}

const current = new AsyncLocalStorage<Process>();
/** Whose step is just being carried out; a step is synchronous. */
let acting: Process | undefined;

export function runAs<T>(process: Process, work: () => Promise<T>): Promise<T> {
  return current.run(process, work);
}

/** The run that this code belongs to. */
export function running(): Process | undefined {
  return current.getStore();
}

/** What the step that is being carried out looks at, or changes. */
export function tell(what: string, changes: boolean): void {
  acting?.touch(what, changes);
}

/** A step of whoever is running. */
export async function act<T>(action: () => T): Promise<T> {
  const process = current.getStore();
  const stop = process?.beforeStep();
  if (stop) await stop;
  acting = process;
  try {
    return action();
  } finally {
    acting = undefined;
  }
}
