import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import { join, type Sql } from '@prisma/client/runtime/client';
import { createPool, type Pool } from 'mariadb';
import { type DatabaseAddress, databaseUrl, driverOptions } from '../connections/mysql.ts';
import { keepDeadlines } from './deadline-pool.ts';

/** What raw SQL runs on: a Prisma client or one of its interactive transactions. */
export interface SqlExecutor {
  $queryRaw<Rows>(statement: Sql): PromiseLike<Rows>;
  $executeRaw(statement: Sql): PromiseLike<number>;
}

/** A Prisma client, of whichever subgraph. */
export interface SqlClient<Transaction extends SqlExecutor = SqlExecutor> extends SqlExecutor {
  $transaction<Result>(
    run: (transaction: Transaction) => Promise<Result>,
    options?: { maxWait?: number; timeout?: number },
  ): Promise<Result>;
}

/** What a raw SELECT reads into a row of this type: a column for each field. One that is left out is a type error. */
export const columnsOf = <Row>(columns: Readonly<Record<keyof Row, Sql>>): Sql => join(Object.values<Sql>(columns));

export interface DatabaseSettings extends DatabaseAddress {
  DATABASE_POOL_MAX: number;
}

const CONNECT_TIMEOUT_MS = 2_000;
export const LOCK_WAIT_S = 2;
export const STATEMENT_TIMEOUT_MS = 4_000;
export const SOCKET_TIMEOUT_MS = 5_000;
/**
 * The server ends a connection that sends nothing for so long, in the middle of a transaction too: the locks of a process
 * that vanished or hangs are free after this time. Longer than every pause inside our transactions.
 */
export const SILENT_CONNECTION_S = 10;
/** Idle connections leave the pool before the socket's time-out, and the server's, ends them. */
export const POOL_IDLE_S = 3;
/** Below 1, the driver opens no connections at all. */
const POOL_IDLE_MIN = 1;
/** A connection that was idle for longer answers a ping before it is handed out. */
const PING_AFTER_MS = 500;
const KEEP_ALIVE_DELAY_MS = 5_000;

/** Interactive transactions: the wait for a connection, and the whole of it. Above every statement's own limit. */
export const TRANSACTION_LIMITS = { maxWait: 2_000, timeout: 6_000 };

/** Set once per connection. Each server reads the comment meant for it; MariaDB's time is in seconds. */
const SESSION_SQL = `SET SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_S},
    SESSION wait_timeout = ${SILENT_CONNECTION_S}, SESSION net_write_timeout = ${SILENT_CONNECTION_S}
  /*M!100300 , SESSION max_statement_time = ${STATEMENT_TIMEOUT_MS / 1_000} */
  /*!80000 , SESSION max_execution_time = ${STATEMENT_TIMEOUT_MS} */`;

/** A bounded pool whose every wait has a limit; connections run READ COMMITTED in UTC. */
export function createDatabasePool(settings: DatabaseSettings): Pool {
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
    // Otherwise the error of a statement repeats all values in it, and is logged.
    logParam: false,
  });
  return keepDeadlines(pool, STATEMENT_TIMEOUT_MS);
}

/** Prisma's adapter on a pool of ours. Text protocol: otherwise each statement is prepared, executed and closed. */
export const prismaAdapter = (pool: Pool): PrismaMariaDb => new PrismaMariaDb(pool, { useTextProtocol: true });
