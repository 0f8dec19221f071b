import type { Pool } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DeadlineError, runWithDeadline, runWithoutDeadline } from '../clients/deadline.ts';
import { isUnavailable } from '../errors/outages.ts';
import { databaseSettings, parseConfig } from '../process/config.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { createDatabasePool, STATEMENT_TIMEOUT_MS } from './database.ts';
import { openConnection } from './migrations.ts';

/** A query that runs for minutes. The alias `endless` identifies it in the process list. */
const ENDLESS = `SELECT COUNT(*) AS endless FROM ${Array.from('abcdef', (alias) => `information_schema.collations ${alias}`).join()}`;

describe('a pool that keeps deadlines', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    const env = { DATABASE_URL: database.url, DATABASE_POOL_MAX: '2' };
    pool = createDatabasePool(parseConfig(databaseSettings('test'), env));
    await pool.query('CREATE TABLE notes (id INT PRIMARY KEY)');
  });
  afterAll(async () => {
    await pool?.end();
    await database?.drop();
  });

  const within = <Result>(leftMs: number, run: () => Promise<Result>, signal?: AbortSignal) =>
    runWithDeadline({ atMs: performance.now() + leftMs, ...(signal && { signal }) }, run);
  const countNotes = async () => Number((await pool.query('SELECT COUNT(*) AS count FROM notes'))[0].count);

  it('begins no statement after the deadline or after the caller has disconnected', async () => {
    await expect(within(-1, () => pool.query('INSERT INTO notes VALUES (1)'))).rejects.toThrow(DeadlineError);
    await expect(within(5_000, () => pool.query('INSERT INTO notes VALUES (1)'), AbortSignal.abort())).rejects.toThrow(
      DeadlineError,
    );
    expect(await countNotes()).toBe(0);
  });

  it('makes the server stop a SELECT that runs beyond the deadline', async () => {
    const startedAtMs = performance.now();
    const refusal = await within(300, () => pool.query(ENDLESS)).catch((error: unknown) => error);
    expect(isUnavailable(refusal)).toBe(true);
    expect(performance.now() - startedAtMs).toBeLessThan(STATEMENT_TIMEOUT_MS - 1_000);
    const running = await pool.query(
      "SELECT id FROM information_schema.processlist WHERE info LIKE '% AS endless%' AND info NOT LIKE '%processlist%'",
    );
    expect(running).toEqual([]);
  });

  it('does not change the result of a statement that finishes in time', async () => {
    const statement = { sql: 'SELECT ? AS one, "a ? /* b" AS text', rowsAsArray: true };
    const plain = await pool.query(statement, [1]);
    expect([...(await within(1_000, () => pool.query(statement, [1])))]).toEqual([...plain]);
    const union = await within(1_000, () => pool.query('(SELECT 1 AS n) UNION ALL (SELECT 2)'));
    expect(union.map(({ n }: { n: unknown }) => Number(n))).toEqual([1, 2]);
  });

  it('returns a connection unused when it comes after the deadline', async () => {
    const held = await Promise.all([pool.getConnection(), pool.getConnection()]);
    const deadline = { atMs: performance.now() + 50 };
    const late = runWithDeadline(deadline, () => pool.query('INSERT INTO notes VALUES (2)'));
    const refusal = expect(late).rejects.toThrow(DeadlineError);
    await vi.waitUntil(() => pool.taskQueueSize() === 1);
    await vi.waitUntil(() => performance.now() > deadline.atMs);
    for (const connection of held) await connection.release();
    await refusal;
    expect(await countNotes()).toBe(0);
    expect(pool.activeConnections()).toBe(0);
  });

  it('allows a ROLLBACK after the deadline', async () => {
    await within(200, async () => {
      const connection = await pool.getConnection();
      await connection.query('BEGIN');
      await connection.query('INSERT INTO notes VALUES (3)');
      await vi.waitUntil(
        () =>
          connection.query('SELECT 1').then(
            () => false,
            () => true,
          ),
        { interval: 20 },
      );
      await connection.query('ROLLBACK');
      await connection.release();
    });
    expect(await countNotes()).toBe(0);
  });

  it('has no deadline for work that runs without one', async () => {
    await within(-1, () => runWithoutDeadline(() => pool.query('SELECT 1')));
  });

  it('repeats a statement outside a transaction that a deadlock has ended', async () => {
    await pool.query('CREATE TABLE counters (id INT PRIMARY KEY, n INT NOT NULL)');
    await pool.query('INSERT INTO counters SELECT n, 0 FROM (SELECT 1 AS n UNION SELECT 2) AS two');
    const other = await pool.getConnection();
    await other.beginTransaction();
    await other.query('UPDATE counters SET n = n + 1 WHERE id = 2');
    // The server ends the transaction that has changed fewer rows.
    await other.query(`INSERT INTO counters VALUES ${Array.from({ length: 100 }, (_, index) => `(${index + 10}, 0)`)}`);
    const waiting = pool.query('UPDATE counters SET n = n + 1 WHERE id IN (1, 2)');
    const admin = await openConnection(database.url);
    await vi.waitFor(async () =>
      expect(
        await admin.query(
          "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE '%counters%'",
        ),
      ).toHaveLength(1),
    );
    await admin.end();
    await other.query('UPDATE counters SET n = n + 1 WHERE id = 1');
    await other.commit();
    await other.release();
    expect(await waiting).toMatchObject({ affectedRows: 2 });
    expect(await pool.query('SELECT n FROM counters WHERE id < 10')).toMatchObject([{ n: 2 }, { n: 2 }]);
  });
});
