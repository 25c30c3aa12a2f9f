import { expect, it } from 'vitest';
import { affordableWorkers } from '#pcam/threads/affordable.js';

const MB = 2 ** 20;

it.each([
  ['no limit', 0, 8, undefined],
  ['a limit beyond the machine', 2 ** 64, 8, undefined],
  ['room for all', 1024 * MB, 8, undefined],
  ['a container of 256 MB', 256 * MB, 5, 'using 5 of 8 workers, as the memory is limited to 268 MB'],
  ['a container that is too small', 64 * MB, 1, 'using 1 of 8 workers, as the memory is limited to 67.1 MB'],
])('with %s', (_name, limit, workers, message) => {
  const notices: unknown[] = [];
  expect(affordableWorkers(8, (event) => notices.push(event), limit)).toBe(workers);
  expect(notices).toEqual(message === undefined ? [] : [{ type: 'notice', message }]);
});
