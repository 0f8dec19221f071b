import type { Pool, PoolConnection, QueryOptions } from 'mariadb';
import { currentTraceparent, timeLeftMs } from '../clients/deadline.ts';
import { SQL_ERROR, sqlErrorNumber } from '../errors/sql-error.ts';
import { inSpan, SpanKind } from '../process/tracing.ts';

/** These statements are allowed after the deadline too, so that every transaction can end. */
const ENDS_TRANSACTION = /^(COMMIT|ROLLBACK)\b/i;
/** How often a statement outside a transaction is executed when a deadlock ends it. */
const ATTEMPTS_MAX = 3;
const SELECT = /^([\s(]*SELECT)\b/i;

/**
 * Makes a pool respect the deadline of the current work. After the deadline no statement begins and no connection is
 * requested. The server stops a SELECT that runs beyond the deadline. `timeoutMaxMs` is the limit that every statement
 * has without a deadline. A statement outside a transaction is repeated when the server ends it because of a deadlock: it
 * has changed nothing then. In a Galera cluster this happens to plain reads as well, when a migration alters their table.
 */
export function keepDeadlines(pool: Pool, timeoutMaxMs: number): Pool {
  const acquire = pool.getConnection.bind(pool);

  async function getConnection(): Promise<PoolConnection> {
    timeLeftMs();
    const connection = await acquire();
    const query = connection.query.bind(connection);
    connection.query = async (statement: string | QueryOptions, values?: unknown) => {
      const send = () => query(limited(statement, timeoutMaxMs) as QueryOptions, values);
      const traceparent = currentTraceparent();
      return traceparent === undefined ? send() : traced(statement, traceparent, send);
    };
    return connection;
  }

  return Object.assign(pool, {
    getConnection,
    async query(statement: string | QueryOptions, values?: unknown) {
      for (let attempt = 1; ; attempt += 1) {
        const connection = await getConnection();
        try {
          return await connection.query(statement as QueryOptions, values);
        } catch (error) {
          if (attempt === ATTEMPTS_MAX || sqlErrorNumber(error) !== SQL_ERROR.deadlock) throw error;
        } finally {
          await connection.release();
        }
      }
    },
  });
}

/** Adds a statement to the trace, without its values. */
function traced<Result>(
  statement: string | QueryOptions,
  traceparent: string,
  send: () => Promise<Result>,
): Promise<Result> {
  const text = (typeof statement === 'string' ? statement : statement.sql).trim();
  const attributes = { 'db.system.name': 'mysql', 'db.query.text': text };
  const [verb = 'SQL'] = text.match(/[A-Z]+/) ?? [];
  return inSpan(verb, traceparent, { kind: SpanKind.CLIENT, attributes }, send);
}

/** The statement, limited to the time left. @throws DeadlineError when no time is left */
function limited(statement: string | QueryOptions, timeoutMaxMs: number): string | QueryOptions {
  if (typeof statement !== 'string') {
    const sql = limited(statement.sql, timeoutMaxMs);
    return sql === statement.sql ? statement : { ...statement, sql: sql as string };
  }
  if (ENDS_TRANSACTION.test(statement)) return statement;
  const leftMs = Math.ceil(timeLeftMs());
  return leftMs < timeoutMaxMs ? withLimit(statement, leftMs) : statement;
}

/** The same text works on both servers: each executes its own part and treats the other part as a comment. */
const withLimit = (sql: string, limitMs: number): string =>
  SELECT.test(sql)
    ? `/*M!100300 SET STATEMENT max_statement_time = ${limitMs / 1_000} FOR */ ${sql.replace(SELECT, `$1 /*+ MAX_EXECUTION_TIME(${limitMs}) */`)}`
    : sql;
