import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { databaseSettings, parseConfig } from '../process/config.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { createDatabasePool, SILENT_CONNECTION_S } from './database.ts';
import { openConnection } from './migrations.ts';

const POOL_MAX = 10;
/** The tests wait for this whole time, because the time is what they test: the server closes a silent connection after it. */
const LONGER_THAN_SILENCE_MS = (SILENT_CONNECTION_S + 2) * 1_000;
const SLOW = 60_000;

describe('a pool of database connections', () => {
  let test: TestDatabase;
  const pools: Pool[] = [];
  const connect = () => {
    const env = { DATABASE_URL: test.url, DATABASE_POOL_MAX: String(POOL_MAX) };
    const pool = createDatabasePool(parseConfig(databaseSettings('test'), env));
    pools.push(pool);
    return pool;
  };
  beforeAll(async () => {
    test = await createTestDatabase();
    const pool = connect();
    await pool.query('CREATE TABLE seats (id INT PRIMARY KEY, free INT NOT NULL)');
    await pool.query('INSERT INTO seats VALUES (1, 100), (2, 100)');
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await test.drop();
  });

  /** Uses all connections of a pool at once. */
  const queryAtOnce = (pool: Pool) =>
    Promise.all(Array.from({ length: POOL_MAX }, () => pool.query('SELECT SLEEP(0.05), CONNECTION_ID() AS id')));

  it(
    'hands out no closed connection after it was idle for longer than wait_timeout',
    async () => {
      const pool = connect();
      await queryAtOnce(pool);
      await delay(LONGER_THAN_SILENCE_MS);
      await queryAtOnce(pool);
    },
    SLOW,
  );

  it(
    'hands out no closed connection after the whole process hung for longer than wait_timeout',
    async () => {
      const pool = connect();
      await queryAtOnce(pool);
      // This blocks the whole process: no timer fires and no socket is read.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LONGER_THAN_SILENCE_MS);
      // In its next turns the event loop reads what the server has sent.
      await vi.waitFor(() => expect(pool.idleConnections()).toBe(0), { timeout: 2_000, interval: 1 });
      await queryAtOnce(pool);
    },
    SLOW,
  );

  it(
    'does not reopen its connections while it is idle',
    async () => {
      const pool = connect();
      await queryAtOnce(pool);
      let opened = 0;
      pool.on('connection', () => {
        opened += 1;
      });
      await delay(LONGER_THAN_SILENCE_MS);
      expect(opened).toBeLessThanOrEqual(1);
    },
    SLOW,
  );

  it(
    'loses the locks of a silent transaction after a bounded time, and other rows are never blocked',
    async () => {
      const silent = await connect().getConnection();
      await silent.beginTransaction();
      await silent.query('UPDATE seats SET free = free - 1 WHERE id = 1');
      const other = await openConnection(test.url);
      try {
        await other.query('SET SESSION innodb_lock_wait_timeout = 30');
        await other.query('UPDATE seats SET free = free - 1 WHERE id = 2');
        const startedMs = performance.now();
        // The process must hang, because a running process would close the idle connection itself.
        const waiting = other.query('UPDATE seats SET free = free - 1 WHERE id = 1');
        await new Promise(setImmediate);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LONGER_THAN_SILENCE_MS);
        await waiting;
        expect(performance.now() - startedMs).toBeLessThan(LONGER_THAN_SILENCE_MS + 5_000);
        expect(await other.query('SELECT id, free FROM seats ORDER BY id')).toEqual([
          { id: 1, free: 99 },
          { id: 2, free: 99 },
        ]);
      } finally {
        await other.end();
        silent.destroy();
      }
    },
    SLOW,
  );
});
