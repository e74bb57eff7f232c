import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,property,contract,infra,e2e}/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Two cores: end-to-end files boot a whole host each, so few files at a time.
    maxWorkers: 2,
  },
});
