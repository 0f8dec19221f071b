import type { Sql } from '@prisma/client/runtime/client';
import type { Pool, UpsertResult } from 'mariadb';
import type { SqlClient, SqlExecutor } from './database.ts';

/** Runs statements in one transaction: committed when `run` resolves, rolled back when it rejects. */
export type Transact = <Result>(run: (transaction: SqlExecutor) => Promise<Result>) => Promise<Result>;

/**
 * Transactions directly on the driver, from the same pool. This saves Prisma's work for each statement. Reads that are
 * started together are sent together, and the server executes them in this order. The first ones are sent with BEGIN.
 * Writes must not be sent together: after a deadlock the server would commit each of the remaining ones by itself.
 */
export const driverTransactions =
  (pool: Pool): Transact =>
  async (run) => {
    const connection = await pool.getConnection();
    const begun = connection.beginTransaction();
    // The statements throw this error, because none of them may return a result without BEGIN.
    begun.catch(() => undefined);
    const query = async ({ sql, values }: Sql) => {
      const result = await connection.query(sql, values);
      await begun;
      return result;
    };
    try {
      const result = await run({
        $queryRaw: query,
        $executeRaw: async (statement) => ((await query(statement)) as UpsertResult).affectedRows,
      });
      // The driver sends no COMMIT before it has heard that the transaction began.
      await begun;
      await connection.commit();
      await connection.release();
      return result;
    } catch (error) {
      // Closing the connection rolls back in every state of the transaction.
      connection.destroy();
      throw error;
    }
  };

/** Creates a client for raw SQL directly on the driver. Its transactions are those of driverTransactions. */
export const createSqlClient = (pool: Pool): SqlClient => ({
  $queryRaw: ({ sql, values }) => pool.query(sql, values),
  $executeRaw: async ({ sql, values }) => ((await pool.query(sql, values)) as UpsertResult).affectedRows,
  $transaction: driverTransactions(pool),
});
