import { sqltag as sql } from '@prisma/client/runtime/client';
import type { Pool } from 'mariadb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SQL_ERROR } from '../errors/sql-error.ts';
import { databaseSettings, parseConfig } from '../process/config.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { createDatabasePool } from './database.ts';
import { driverTransactions, type Transaction } from './transactions.ts';

describe('transactions on the driver', () => {
  let test: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    test = await createTestDatabase();
    pool = createDatabasePool(parseConfig(databaseSettings('test'), { DATABASE_URL: test.url }));
    await pool.query('CREATE TABLE numbers (id INT PRIMARY KEY, value INT NOT NULL)');
  });
  beforeEach(async () => {
    await pool.query('DELETE FROM numbers');
    await pool.query('INSERT INTO numbers SELECT seq, 0 FROM (SELECT 1 AS seq UNION SELECT 2 UNION SELECT 3) AS seqs');
  });
  afterAll(async () => {
    await pool?.end();
    await test.drop();
  });

  const transact = <Result>(run: (transaction: Transaction) => Promise<Result>) => driverTransactions(pool)(run);
  const add = (id: number) => sql`INSERT INTO numbers VALUES (${id}, 0)`;
  const raise = (id: number) => sql`UPDATE numbers SET value = value + 1 WHERE id = ${id}`;
  const read = async () => {
    const rows = await pool.query<{ id: number; value: number }[]>('SELECT id, value FROM numbers ORDER BY id');
    return rows.map(({ id, value }) => `${id}: ${value}`);
  };

  it('commit what they execute, and at last the statements of commitWith in order', async () => {
    const count = await transact(async (transaction) => {
      transaction.commitWith([add(4), raise(4)]);
      transaction.commitWith([raise(4)]);
      return transaction.$executeRaw(raise(1));
    });
    expect([count, ...(await read())]).toEqual([1, '1: 1', '2: 0', '3: 0', '4: 2']);
  });

  it.each([0, 1, 2])('commit nothing when the statement at place %i of commitWith fails', async (place) => {
    const statements = [raise(1), raise(2)].toSpliced(place, 0, add(3));
    const failed = transact(async (transaction) => {
      await transaction.$executeRaw(add(4));
      transaction.commitWith(statements);
    });
    await expect(failed).rejects.toMatchObject({ errno: SQL_ERROR.duplicateKey });
    expect(await read()).toEqual(['1: 0', '2: 0', '3: 0']);
  });

  it('commit nothing when `run` rejects', async () => {
    const failed = transact(async (transaction) => {
      transaction.commitWith([raise(1)]);
      await transaction.$executeRaw(raise(2));
      throw new Error('not today');
    });
    await expect(failed).rejects.toThrow('not today');
    expect(await read()).toEqual(['1: 0', '2: 0', '3: 0']);
  });

  it('execute no statement after a deadlock, because it would be committed by itself', async () => {
    // The server ends the transaction that has changed fewer rows.
    await pool.query('INSERT INTO numbers SELECT 10 + a.id * 3 + b.id, 0 FROM numbers AS a CROSS JOIN numbers AS b');
    const winner = await pool.getConnection();
    await winner.beginTransaction();
    await winner.query('UPDATE numbers SET value = 10 WHERE id > 10 OR id = 2');
    const victim = transact(async (transaction) => {
      transaction.commitWith([raise(1), raise(2), raise(3)]);
    });
    const failed = expect(victim).rejects.toMatchObject({ errno: SQL_ERROR.deadlock });
    // From now on the victim has changed the first row and waits for the second one.
    const findFree = () => pool.query('SELECT id FROM numbers WHERE id = 1 FOR UPDATE SKIP LOCKED');
    await vi.waitFor(async () => expect(await findFree()).toEqual([]), { timeout: 2_000, interval: 1 });
    await winner.query('UPDATE numbers SET value = 10 WHERE id = 1');
    await failed;
    await winner.commit();
    await winner.release();
    expect((await read()).slice(0, 3)).toEqual(['1: 10', '2: 10', '3: 0']);
  });
});
