import { fileURLToPath } from 'node:url';
import { defineConfig, type UserWorkspaceConfig } from 'vitest/config';

const INTEGRATION = '**/*.int.test.ts';
const END_TO_END = '**/*.e2e.test.ts';

/** These tests take minutes. `npm run test:faults` runs them, and also runs the controls of all fault tests. */
const LONG = ['tests/faults/r18-overload.test.ts'];
/** These tests take minutes and are about browsers, HTTP and Redis. `npm test -- --database mysql` leaves them out. */
const APART_FROM_THE_DATABASE = [
  'tests/box-office/**',
  'gateway/http/explorer.e2e.test.ts',
  'tests/security/s09-rate-limits.e2e.test.ts',
  'tests/live-seats.e2e.test.ts',
  'tests/load-test.e2e.test.ts',
];
const isMysqlRun = process.env.TEST_DATABASE === 'mysql';
const isFaultRun = process.env.FAULT_LENGTH === 'full' || process.env.FAULT_CONTROLS === '1';

/** The codes ER_INITIAL_SQL_ERROR and ER_WRONG_IANA_TIMEZONE of the database driver. */
const EARLY_DISCONNECT_ERRORS = [45_030, 45_033];

const project = (name: string, groupOrder: number, test: UserWorkspaceConfig['test']) => ({
  extends: true as const,
  test: { name, sequence: { groupOrder }, ...test },
});

/** The projects run one after another, fast ones first, so that tests that measure time do not compete with others. */
export default defineConfig({
  // Otherwise Vite would load graphql's ESM build for our files, and Node its CommonJS build for Apollo. Errors and
  // types of one copy are not instances of the classes of the other. In production there is only one copy.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    globalSetup: 'tests/global-setup.ts',
    teardownTimeout: 60_000,
    // The database driver creates an unhandled rejection when a connection dies between its log-in and its first
    // statement. Services log it (platform/process/lifecycle.ts). It also occurs in tests that cut connections.
    onUnhandledError: (error) => !('errno' in error && EARLY_DISCONNECT_ERRORS.includes(Number(error.errno))),
    projects: [
      project('unit', 1, {
        include: ['**/*.test.ts'],
        exclude: ['**/node_modules/**', INTEGRATION, END_TO_END, 'tests/{alerts,cluster,faults}/**'],
        testTimeout: 5_000,
        hookTimeout: 5_000,
      }),
      project('integration', 2, { include: [INTEGRATION], testTimeout: 20_000, hookTimeout: 30_000 }),
      project('e2e', 3, {
        include: [END_TO_END, 'tests/faults/**/*.test.ts'],
        exclude: [...(isFaultRun ? [] : LONG), ...(isMysqlRun ? APART_FROM_THE_DATABASE : [])],
        testTimeout: 60_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
      project('cluster', 4, {
        include: ['tests/cluster/**/*.test.ts'],
        testTimeout: 120_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
      project('alerts', 5, { include: ['tests/alerts/**/*.test.ts'], testTimeout: 1_200_000, hookTimeout: 300_000 }),
    ],
  },
});
