import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import { join, type Sql } from '@prisma/client/runtime/client';
import { createPool, type Pool } from 'mariadb';
import type { Registry } from 'prom-client';
import { type DatabaseAddress, databaseUrl, driverOptions } from '../connections/mysql.ts';
import type { Logger } from '../process/logger.ts';
import { keepDeadlines } from './deadline-pool.ts';
import { observePool } from './pool-metrics.ts';

/** Runs raw SQL: a Prisma client or one of its interactive transactions. */
export interface SqlExecutor {
  $queryRaw<Rows>(statement: Sql): PromiseLike<Rows>;
  $executeRaw(statement: Sql): PromiseLike<number>;
}

/** Runs raw SQL, also in transactions: a Prisma client, or a client directly on the driver. */
export interface SqlClient extends SqlExecutor {
  $transaction<Result>(
    run: (transaction: SqlExecutor) => Promise<Result>,
    options?: { maxWait?: number; timeout?: number },
  ): Promise<Result>;
}

/** Returns the column list of a raw SELECT: one column for each field of the row. A missing field is a type error. */
export const columnsOf = <Row>(columns: Readonly<Record<keyof Row, Sql>>): Sql => join(Object.values<Sql>(columns));

/** Returns a time as a text of the type DATETIME(3), in UTC. */
export const sqlTime = (time: Date | null | undefined) => time?.toISOString().slice(0, -1);

/** Returns the lower bound of the UUIDv7s that are made from a time on. Ids sort by time. */
export function firstIdAt(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

export interface DatabaseSettings extends DatabaseAddress {
  DATABASE_POOL_MAX: number;
}

const CONNECT_TIMEOUT_MS = 2_000;
export const LOCK_WAIT_S = 2;
export const STATEMENT_TIMEOUT_MS = 4_000;
export const SOCKET_TIMEOUT_MS = 5_000;
/**
 * The server closes a connection that sends nothing for this long, also within a transaction. This frees the locks of a
 * process that has crashed or hangs. It must be longer than every pause inside our transactions.
 */
export const SILENT_CONNECTION_S = 10;
/** Shorter than the time-outs of socket and server, so that the pool closes idle connections before they do. */
export const POOL_IDLE_S = 3;
/** With less than 1, the driver opens no connections at all. */
const POOL_IDLE_MIN = 1;
/** A connection that was idle for longer than this must answer a ping before it is handed out. */
const PING_AFTER_MS = 500;
const KEEP_ALIVE_DELAY_MS = 5_000;

/** The wait for a connection, and the limit of an interactive transaction: longer than any statement's limit. */
export const TRANSACTION_LIMITS = { maxWait: 2_000, timeout: 6_000 };

/** Sent once per connection. MariaDB executes the first comment (seconds), MySQL the second one (milliseconds). */
const SESSION_SQL = `SET SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_S},
    SESSION wait_timeout = ${SILENT_CONNECTION_S}, SESSION net_write_timeout = ${SILENT_CONNECTION_S}
  /*M!100300 , SESSION max_statement_time = ${STATEMENT_TIMEOUT_MS / 1_000} */
  /*!80000 , SESSION max_execution_time = ${STATEMENT_TIMEOUT_MS} */`;

/** Creates a bounded pool with a limit for every wait. Its connections use READ COMMITTED and UTC. */
export function createDatabasePool(
  settings: DatabaseSettings,
  observers?: { metrics: Registry; logger: Logger },
): Pool {
  const pool = createPool({
    ...driverOptions(databaseUrl(settings)),
    connectionLimit: settings.DATABASE_POOL_MAX,
    initSql: ['SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', SESSION_SQL],
    connectTimeout: CONNECT_TIMEOUT_MS,
    acquireTimeout: TRANSACTION_LIMITS.maxWait,
    socketTimeout: SOCKET_TIMEOUT_MS,
    idleTimeout: POOL_IDLE_S,
    minimumIdle: POOL_IDLE_MIN,
    minDelayValidation: PING_AFTER_MS,
    keepAliveDelay: KEEP_ALIVE_DELAY_MS,
    timezone: 'Z',
    prepareCacheLength: 0,
    // Transactions send their last statements in one text. All values are escaped by the driver.
    multipleStatements: true,
    // Otherwise the errors of statements contain all their values, and these errors are logged.
    logParam: false,
  });
  if (observers !== undefined) observePool(pool, observers);
  return keepDeadlines(pool, STATEMENT_TIMEOUT_MS);
}

/** Prisma's adapter on our pool. Without the text protocol, each statement is prepared, executed and closed. */
export const prismaAdapter = (pool: Pool): PrismaMariaDb => new PrismaMariaDb(pool, { useTextProtocol: true });
