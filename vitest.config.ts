import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const INTEGRATION = '**/*.int.test.ts';
const END_TO_END = '**/*.e2e.test.ts';

/** ER_INITIAL_SQL_ERROR and ER_WRONG_IANA_TIMEZONE of the database driver. */
const DIES_BEFORE_FIRST_STATEMENT = [45_030, 45_033];

/** Groups run one after another, the quick ones first; what measures time does not compete with the rest. */
export default defineConfig({
  // Vite would take graphql's ESM build for our files while Node takes the CommonJS one for Apollo's: two copies, whose
  // errors and types are strangers to each other. In production there is one.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    globalSetup: 'tests/global-setup.ts',
    teardownTimeout: 60_000,
    // The database driver leaves a rejection that nobody can handle when a connection dies between its log-in and its first
    // statement. Services log it (platform/process/lifecycle.ts); tests that cut connections meet it, too.
    onUnhandledError: (error) => !('errno' in error && DIES_BEFORE_FIRST_STATEMENT.includes(Number(error.errno))),
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', INTEGRATION, '**/*.e2e.test.ts', 'tests/faults/**'],
          testTimeout: 5_000,
          hookTimeout: 5_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: [INTEGRATION],
          testTimeout: 20_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: [END_TO_END, 'tests/faults/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
