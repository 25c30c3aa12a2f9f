import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    // The tests run the built package (#pcam/* is dist/*): worker threads are real files there.
    server: { deps: { external: [/\/dist\//] } },
    // Files share processes, in which the package is loaded once. It keeps no state that one test could leave to another.
    pool: 'forks',
    isolate: false,
    // All cores run tests: threads of the garbage collector beside them only cost another tenth of the time, and so do
    // the hundreds of full collections of a heap that starts small.
    execArgv: ['--single-threaded-gc', '--initial-old-space-size=512'],
    // Most tests wait for servers and disks some of the time: one more than there are cores keeps these busy.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A second is short on a machine that is busy.
    expect: { poll: { timeout: 20_000 } },
  },
});
