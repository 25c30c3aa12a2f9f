/** Time and chance, handed in so that tests can hold them. */
export interface Clock {
  /** Milliseconds, only ever forward. */
  now(): number;
  /** Calls back after `ms`; returns how to cancel. */
  after(ms: number, callback: () => void): () => void;
  /** 0 to 1. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    // Node runs a timer of more than 2^31 - 1 ms at once.
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
