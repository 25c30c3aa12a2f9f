import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The tests run the built package (#pcam/* is dist/*): worker threads are real files there.
    server: { deps: { external: [/\/dist\//] } },
    // Most tests wait for servers and disks: on two cores, one worker would leave both idle.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
