/** Jobs that end in every way. */
const job = (name, run) => ({ name, doing: () => 'testing', run });

export const sum = job('sum', async (numbers, { signal, report, onMessage }) => {
  let total = 0;
  for (const number of numbers) {
    total += number;
    report(total);
  }
  await new Promise((resolve, reject) => {
    if (signal.aborted) reject();
    signal.addEventListener('abort', reject);
    onMessage((more) => {
      if (more === 'end') resolve();
      else total += more;
    });
  });
  return total;
});

export const unreadable = job('unreadable', async () => {
  throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5, syscall: 'read' });
});

export const bug = job('bug', async () => undefined.length);

export const exit = job('exit', async () => process.exit(3));

export const crash = job('crash', () => {
  setImmediate(() => {
    throw new Error('thrown where nobody waits');
  });
  return new Promise(() => {});
});

export const fill = job('fill', async () => {
  const kept = [];
  for (;;) kept.push(new Array(1e6).fill(kept.length));
});

export const spin = job('spin', async (_input, { report }) => {
  report('started');
  for (;;);
});
