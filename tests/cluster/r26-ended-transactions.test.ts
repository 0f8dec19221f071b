import { randomUUID } from 'node:crypto';
import { sqltag as sql } from '@prisma/client/runtime/client';
import type { Pool } from 'mariadb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabasePool } from '#platform/database/database.ts';
import { driverTransactions } from '#platform/database/transactions.ts';
import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { createTestDatabase, type TestDatabase } from '#platform/testing/database.ts';
import { type Galera, startGalera } from './support/galera.ts';

const LANES_PER_NODE = 2;
const TRANSACTIONS_PER_LANE = 1_000;

describe('R26: transactions on two database nodes that change the same row', () => {
  let galera: Galera;
  let test: TestDatabase;
  let pools: Pool[];
  beforeAll(async () => {
    galera = await startGalera();
    test = await createTestDatabase(undefined, galera.nodes[0]?.url);
    pools = galera.nodes.slice(0, 2).map(({ port }) => {
      const DATABASE_URL = Object.assign(new URL(test.url), { port }).href;
      return createDatabasePool(parseConfig(databaseSettings('test'), { DATABASE_URL }));
    });
    const [pool] = pools;
    await pool?.query('CREATE TABLE shared_row (id INT PRIMARY KEY, value INT NOT NULL)');
    await pool?.query('INSERT INTO shared_row VALUES (1, 0)');
    for (const name of ['first', 'last']) {
      await pool?.query(`CREATE TABLE ${name}_write (id CHAR(36) CHARACTER SET ascii PRIMARY KEY)`);
    }
  });
  afterAll(async () => {
    await Promise.all((pools ?? []).map((pool) => pool.end()));
    await galera?.remove();
  });

  /** Returns the ids of the transactions that were committed. The others were ended because of the other node. */
  async function writeOften(pool: Pool): Promise<string[]> {
    const committed: string[] = [];
    for (let count = 0; count < TRANSACTIONS_PER_LANE; count += 1) {
      const id = randomUUID();
      try {
        await driverTransactions(pool)(async (transaction) => {
          await transaction.$queryRaw(sql`SELECT value FROM shared_row WHERE id = 1 FOR UPDATE`);
          transaction.commitWith([
            sql`INSERT INTO first_write VALUES (${id})`,
            sql`UPDATE shared_row SET value = value + 1 WHERE id = 1`,
            sql`INSERT INTO last_write VALUES (${id})`,
          ]);
        });
        committed.push(id);
      } catch (error) {
        expect([SQL_ERROR.deadlock, SQL_ERROR.transactionEnded]).toContain(sqlErrorNumber(error));
      }
    }
    return committed;
  }

  it('are committed as a whole or not at all', { timeout: 240_000 }, async ({ annotate }) => {
    const lanes = pools.flatMap((pool) => Array.from({ length: LANES_PER_NODE }, () => writeOften(pool)));
    const committed = (await Promise.all(lanes)).flat().sort();
    await annotate(`${committed.length} of ${lanes.length * TRANSACTIONS_PER_LANE} transactions were committed`);
    for (const name of ['first', 'last']) {
      const rows = await pools[0]?.query<{ id: string }[]>(`SELECT id FROM ${name}_write ORDER BY id`);
      expect(
        rows?.map(({ id }) => id),
        `the ${name} writes of the committed transactions`,
      ).toEqual(committed);
    }
  });
});
