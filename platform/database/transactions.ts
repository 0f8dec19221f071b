import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { Pool, UpsertResult } from 'mariadb';
import type { SqlClient, SqlExecutor } from './database.ts';

export interface Transaction extends SqlExecutor {
  /** Adds statements that are executed in this order after `run` has resolved, together with the commit. */
  commitWith(statements: readonly Sql[]): void;
}

/** Runs statements in one transaction: committed when `run` resolves, rolled back when it rejects. */
export type Transact = <Result>(run: (transaction: Transaction) => Promise<Result>) => Promise<Result>;

const COMMIT = sql`COMMIT`;

/**
 * Transactions directly on the driver, from the same pool. This saves Prisma's work for each statement. Reads that are
 * started together are sent together, and the server executes them in this order. The first ones are sent with BEGIN.
 * Writes must not be started together: after a deadlock the server would commit each of the remaining ones by itself.
 * The statements of `commitWith` and COMMIT are one text instead. The server executes nothing of it after an error.
 */
export const driverTransactions =
  (pool: Pool): Transact =>
  async (run) => {
    const connection = await pool.getConnection();
    const begun = connection.beginTransaction();
    // The statements throw this error, because none of them may return a result without BEGIN.
    begun.catch(() => undefined);
    const last: Sql[] = [];
    const query = async (statement: Sql) => {
      const result = await connection.query(statement.sql, statement.values);
      await begun;
      return result;
    };
    try {
      const result = await run({
        $queryRaw: query,
        $executeRaw: async (statement) => ((await query(statement)) as UpsertResult).affectedRows,
        commitWith: (statements) => last.push(...statements),
      });
      // Without BEGIN, the server would commit each statement by itself.
      await begun;
      await query(join([...last, COMMIT], ';'));
      await connection.release();
      return result;
    } catch (error) {
      // Closing the connection rolls back in every state of the transaction.
      connection.destroy();
      throw error;
    }
  };

/** Creates a client for raw SQL directly on the driver. Its transactions are those of driverTransactions. */
export const createSqlClient = (pool: Pool): SqlClient & { $transaction: Transact } => ({
  $queryRaw: (statement) => pool.query(statement.sql, statement.values),
  $executeRaw: async (statement) => ((await pool.query(statement.sql, statement.values)) as UpsertResult).affectedRows,
  $transaction: driverTransactions(pool),
});
