import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { ClosingLine } from './test/services/closing-line.ts';

// vitest keeps a token for its web page in the user's data folder; a test run leaves nothing outside of the project.
process.env['XDG_DATA_HOME'] = join(import.meta.dirname, 'node_modules/.vitest');

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/bench/**'],
    setupFiles: ['test/services/seed.ts'],
    globalSetup: ['test/services/global-setup.ts'],
    reporters: ['default', new ClosingLine()],
    pool: 'forks',
    // Real servers run beside the tests: more workers than this only make each other wait.
    maxWorkers: 2,
    testTimeout: 400_000,
    hookTimeout: 400_000,
  },
});
