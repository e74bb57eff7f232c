import { defineConfig } from 'vitest/config';

/** Compares the embedded host with AWS's own engines; needs a JVM and Maven, so it is no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/conformance/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: 1,
  },
});
