import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import type { Sql } from '@prisma/client/runtime/client';
import { createPool, type Pool } from 'mariadb';
import { type DatabaseAddress, databaseUrl, driverOptions } from './connections/mysql.ts';

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

export interface DatabaseSettings extends DatabaseAddress {
  DATABASE_POOL_MAX: number;
}

const CONNECT_TIMEOUT_MS = 2_000;
export const LOCK_WAIT_S = 2;
export const STATEMENT_TIMEOUT_MS = 4_000;
const SOCKET_TIMEOUT_MS = 5_000;
const IDLE_TRANSACTION_TIMEOUT_S = 10;

/** Interactive transactions: the wait for a connection, and the whole of it. Above every statement's own limit. */
export const TRANSACTION_LIMITS = { maxWait: 2_000, timeout: 6_000 };

/**
 * Set once per connection. Each server reads the comment meant for it; MariaDB's times are in seconds, and its second one
 * takes the locks from a process that hangs in the middle of a transaction.
 */
const SESSION_SQL = `SET SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_S}
  /*M!100300 , SESSION max_statement_time = ${STATEMENT_TIMEOUT_MS / 1_000},
    SESSION idle_transaction_timeout = ${IDLE_TRANSACTION_TIMEOUT_S} */
  /*!80000 , SESSION max_execution_time = ${STATEMENT_TIMEOUT_MS} */`;

/** A bounded pool whose every wait has a limit; connections run READ COMMITTED in UTC. */
export function createDatabasePool(settings: DatabaseSettings): Pool {
  return createPool({
    ...driverOptions(databaseUrl(settings)),
    connectionLimit: settings.DATABASE_POOL_MAX,
    initSql: ['SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', SESSION_SQL],
    connectTimeout: CONNECT_TIMEOUT_MS,
    acquireTimeout: TRANSACTION_LIMITS.maxWait,
    socketTimeout: SOCKET_TIMEOUT_MS,
    timezone: 'Z',
    prepareCacheLength: 0,
    // Otherwise the error of a statement repeats all values in it, and is logged.
    logParam: false,
  });
}

/** Prisma's adapter on a pool of ours. Text protocol: otherwise each statement is prepared, executed and closed. */
export const prismaAdapter = (pool: Pool): PrismaMariaDb => new PrismaMariaDb(pool, { useTextProtocol: true });

export const SQL_ERROR = { duplicateKey: 1062 } as const;

/** The server's or driver's error number behind an error thrown through Prisma or the driver itself. */
export function sqlErrorNumber(error: unknown): number | undefined {
  const cause = driverError(error);
  // The driver's own errors have a name for their code, and the number beside it.
  return [cause?.originalCode, cause?.code, cause?.errno].map(Number).find(Number.isFinite);
}

/** Prisma's own codes for: unreachable, timed out, too many connections, pool exhausted, transaction lost. */
const UNAVAILABLE_PRISMA_CODES: ReadonlySet<unknown> = new Set([
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  'P2028',
  'P2037',
]);
const UNAVAILABLE_KINDS: ReadonlySet<unknown> = new Set([
  'ConnectionClosed',
  'DatabaseNotReachable',
  'SocketTimeout',
  'TooManyConnections',
  'TransactionAlreadyClosed',
]);
/** Too many connections, shutdown, lock-wait time-out, deadlock, statement interrupted, killed or out of time. */
const UNAVAILABLE_NUMBERS: ReadonlySet<number> = new Set([1040, 1053, 1205, 1213, 1317, 1927, 1969, 3024]);
/** The driver's own numbers: pool, connection and socket time-outs, lost connections. */
const isDriverNumber = (number: number) => number >= 45_000 && number < 46_000;

/** True when the database, not the statement, is to blame: a retry later may succeed. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && UNAVAILABLE_PRISMA_CODES.has(error.code)) return true;
  if (UNAVAILABLE_KINDS.has(driverError(error)?.kind)) return true;
  const number = sqlErrorNumber(error);
  return number !== undefined && (UNAVAILABLE_NUMBERS.has(number) || isDriverNumber(number));
}

interface DriverError {
  originalCode?: unknown;
  code?: unknown;
  errno?: unknown;
  kind?: unknown;
}

function driverError(error: unknown): DriverError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { meta, cause } = error as { meta?: { driverAdapterError?: { cause?: DriverError } }; cause?: DriverError };
  return meta?.driverAdapterError?.cause ?? (cause && 'kind' in cause ? cause : error);
}
