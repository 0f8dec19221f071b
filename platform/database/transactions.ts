import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { Pool, UpsertResult } from 'mariadb';
import type { SqlClient, SqlExecutor } from './database.ts';

export interface Transaction extends SqlExecutor {
  /** Adds statements that are executed in this order after `run` has resolved, together with the commit. */
  commitWith(statements: readonly Sql[]): void;
}

/** Runs statements in one transaction: committed when `run` resolves, rolled back when it rejects. */
export type Transact = <Result>(run: (transaction: Transaction) => Promise<Result>) => Promise<Result>;

/** Without autocommit, no statement can be committed by itself, whatever ends the transaction before it. */
const BEGIN = sql`SET autocommit = 0;SAVEPOINT begun`;
/** Fails if the transaction that has set the savepoint no longer exists. */
const STILL_BEGUN = sql`RELEASE SAVEPOINT begun`;
const COMMIT = sql`COMMIT;SET autocommit = 1`;

/**
 * Transactions directly on the driver, from the same pool. This saves Prisma's work for each statement. Reads that are
 * started together are sent together, and the server executes them in this order. The first ones are sent with BEGIN.
 * Writes must not be started together: after a deadlock the server would execute the remaining ones in a new
 * transaction. The statements of `commitWith` are one text instead. The server executes nothing of it after an error.
 * In a Galera cluster, another node can end the transaction between two statements of a text without an error. The text
 * goes on in a new transaction then, and fails at its end. COMMIT is a text of its own, because in the same text it could
 * succeed without a transaction.
 */
export const driverTransactions =
  (pool: Pool): Transact =>
  async (run) => {
    const connection = await pool.getConnection();
    const begun = connection.query(BEGIN.sql);
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
      if (last.length > 0) await query(join([...last, STILL_BEGUN], ';'));
      await query(COMMIT);
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
