/** Waits for what other processes do. */

/** Tries until `attempt` works. @throws Error after `seconds`, with the last failure as its cause */
export async function until<T>(what: string, attempt: () => Promise<T>, seconds = 60): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw new Error(`not so after ${seconds} s: ${what}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
