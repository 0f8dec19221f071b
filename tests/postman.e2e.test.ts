import { join } from 'node:path';
import newman, { type NewmanRunSummary } from 'newman';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '#scripts/local/settings.ts';
import { withUserDatabase } from '#scripts/local/user-database.ts';
import { DEMO_ADMIN } from '../scripts/seed/catalogue.ts';
import { registerUsers } from '../scripts/seed/users.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startTestSystem();
  await withUserDatabase(system.databaseUrls.user, (database) => registerUsers(database, [DEMO_ADMIN]));
});
afterAll(() => system?.stop());

/** Runs the collection as Postman and newman do. */
const runCollection = (environment: Record<string, string> = {}): Promise<NewmanRunSummary> =>
  new Promise((resolve, reject) => {
    newman.run(
      {
        collection: join(root, 'postman/collection.json'),
        environment: join(root, 'postman/environment.json'),
        envVar: Object.entries({ graphqlUrl: system.graphqlUrl, ...environment }).map(([key, value]) => ({
          key,
          value,
        })),
      },
      (error, summary) => (error ? reject(error) : resolve(summary)),
    );
  });
const failuresOf = ({ run }: NewmanRunSummary) =>
  run.failures.map(({ error, source }) => `${source?.name}: ${error.message}`);

test('The Postman collection runs in its order, and all its tests pass, twice', async () => {
  for (let turn = 0; turn < 2; turn += 1) {
    const summary = await runCollection();
    expect(failuresOf(summary)).toEqual([]);
    expect(summary.run.stats.assertions.total).toBeGreaterThanOrEqual(2 * createdRequests(summary));
  }
});

test('The tests of the collection notice a refused sign-in', async () => {
  expect(failuresOf(await runCollection({ adminPassword: 'a wrong password' }))).toContainEqual(
    expect.stringContaining('signIn: admin'),
  );
});

const createdRequests = ({ run }: NewmanRunSummary): number =>
  new Set(run.executions.map(({ item }) => item.name)).size;
