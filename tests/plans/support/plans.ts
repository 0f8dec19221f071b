import type { Pool } from 'mariadb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabasePool } from '#platform/database/database.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { createTestDatabase, type TestDatabase } from '#platform/testing/database.ts';
import { createRowMaker } from './rows.ts';
import { templatesIn, withoutSpaces } from './templates.ts';
import { NO_INDEX, type WatchedStatement, watchPool } from './watched-pool.ts';

const FILL_TIMEOUT_MS = 1_800_000;
const CASE_TIMEOUT_MS = 60_000;
/** Enough for reading a page, and far less than a scan of the smallest table. */
const PAGE_READS_MAX = 1_000;
/** The database time that a list may take, in ms. Only set with the full number of rows on an idle machine. */
const LIST_MS_MAX = process.env.PLANS_LIST_MS_MAX === undefined ? undefined : Number(process.env.PLANS_LIST_MS_MAX);
const LIST_RUNS = 5;

interface Case {
  readonly run: () => Promise<unknown>;
  /** The most rows and index entries that one statement may read. */
  readonly readsMax?: number;
  /** Whether clients can request it freely. Its time is measured as well. */
  readonly isList?: boolean;
}

/**
 * Fills a database with many rows and adds one test for each case. Every statement of a case must read each table
 * through an index, and at most `readsMax` rows.
 */
export function testPlans(
  schema: string,
  {
    makeRows,
    cases,
    open,
  }: {
    makeRows: (maker: Awaited<ReturnType<typeof createRowMaker>>) => Promise<void>;
    /** Called with the watched pool before the cases run. */
    open: (pool: Pool, url: string) => void | Promise<void>;
    cases: Readonly<Record<string, Case>>;
  },
): { watched(): ReturnType<typeof watchPool> } {
  let test: TestDatabase;
  let pool: Pool;
  let watched: ReturnType<typeof watchPool>;

  beforeAll(async () => {
    test = await createTestDatabase(schema);
    const maker = await createRowMaker(test.url);
    await makeRows(maker);
    await maker.close();
    pool = createDatabasePool(parseConfig(databaseSettings(`${schema}_db`), { DATABASE_URL: test.url }));
    watched = watchPool(pool);
    await open(watched.pool, test.url);
  }, FILL_TIMEOUT_MS);
  afterAll(async () => {
    await pool?.end();
    await test?.drop();
  });

  it.each(Object.entries(cases))(
    '%s',
    async (name, { run, readsMax = PAGE_READS_MAX, isList = false }) => {
      watched.take();
      await run();
      const statements = watched.take();
      expect(statements.length).toBeGreaterThan(0);
      expectIndexed(statements, readsMax);
      if (LIST_MS_MAX === undefined || !isList) return;
      const msOf = (run: readonly WatchedStatement[]) => run.reduce((sum, { ms }) => sum + ms, 0);
      const reads = statements.reduce((sum, statement) => sum + statement.reads, 0);
      const runsMs: number[] = [];
      for (let i = 0; i < LIST_RUNS; i += 1) {
        await run();
        runsMs.push(msOf(watched.take()));
      }
      const ms = Math.min(...runsMs);
      process.stdout.write(
        `${schema}: ${name}: ${ms.toFixed(1)} ms (at first ${msOf(statements).toFixed(1)} ms), ${reads} reads\n`,
      );
      expect(ms).toBeLessThan(LIST_MS_MAX);
    },
    CASE_TIMEOUT_MS,
  );
  it('the cases run every SQL template of the store', () => {
    const sent = [...watched.sent].map(withoutSpaces);
    const templates = templatesIn(`subgraphs/${schema}/store/**/*.ts`);
    expect(templates.length).toBeGreaterThan(0);
    // A sent statement has a placeholder for each value of its template.
    expect(templates.filter(({ part }) => !sent.some((sql) => sql.includes(part)))).toEqual([]);
  });

  return { watched: () => watched };
}

/** Checks that each statement reads every table through an index, and at most `readsMax` rows. */
export function expectIndexed(statements: readonly WatchedStatement[], readsMax: number): void {
  const wrong = statements.filter(
    ({ access, reads }) => reads > readsMax || access.some((way) => way.endsWith(`: ${NO_INDEX}`)),
  );
  expect(wrong).toEqual([]);
}
