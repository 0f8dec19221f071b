import { driverError, sqlErrorNumber } from './sql-error.ts';

/**
 * The errors that mean: a dependency is down, stopping or overloaded, or a conflict with another transaction occurred.
 * The sources are the libraries in package-lock.json: mariadb 3.4 (lib/misc/errors.js, lib/connection.js), Prisma 7.10
 * (driver-adapter-utils, client runtime), nats 2.29 (ErrorCode) and ioredis 6; and the error references of MariaDB
 * 10.11 and MySQL 9.7. Errors that a retry would repeat are not included, such as a wrong statement, a packet that is
 * too large or a refused password.
 */

/** Values of an error's `code`. */
const OUTAGE_CODES: ReadonlySet<unknown> = new Set([
  // Of the operating system and of Node, in errors that come from a socket. The driver adds no SQL number to them.
  ...['EADDRNOTAVAIL', 'EAI_AGAIN', 'ECONNABORTED', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTDOWN', 'EHOSTUNREACH'],
  ...['ENETDOWN', 'ENETRESET', 'ENETUNREACH', 'ENOTCONN', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT'],
  ...['ERR_SOCKET_CLOSED', 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION', 'ERR_SOCKET_CONNECTION_TIMEOUT'],
  ...['ERR_STREAM_DESTROYED', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_WRITE_AFTER_END'],
  // Of Prisma: no connection (P1001, P1002, P1008, P1017), no free connection in time (P2024), too many connections
  // (P2037), a transaction that was lost or could not begin (P1018, P2028), a deadlock or write conflict (P2034).
  ...['P1001', 'P1002', 'P1008', 'P1017', 'P1018', 'P2024', 'P2028', 'P2034', 'P2037'],
  // Of NATS. 408: a pull request ended. 503: JetStream has no leader, or is starting.
  ...['408', '503', 'CONNECTION_CLOSED', 'CONNECTION_DRAINING', 'CONNECTION_REFUSED', 'CONNECTION_TIMEOUT'],
  ...['DISCONNECT', 'IDLE_HEARTBEAT', 'TIMEOUT'],
  // Of DeadlineError: the caller no longer waits.
  'DEADLINE_PASSED',
]);

/** Values of `kind` in the errors of Prisma's driver adapters. */
const OUTAGE_KINDS: ReadonlySet<unknown> = new Set([
  'ConnectionClosed',
  'DatabaseNotReachable',
  'SocketTimeout',
  'TooManyConnections',
  'TransactionAlreadyClosed',
  'TransactionWriteConflict',
]);

/** SQL error numbers. */
const OUTAGE_NUMBERS: ReadonlySet<number> = new Set([
  // The driver: a connection that is closed, or was destroyed before or during a command. 45_011 is an unexpected packet:
  // the server's last message before it closes the connection.
  ...[45_001, 45_004, 45_009, 45_011, 45_013, 45_019],
  // The driver: a time-out of the connection, socket, pool or ping.
  ...[45_012, 45_026, 45_028, 45_042],
  // The driver: a handshake or session set-up that failed, also because the connection broke.
  ...[45_024, 45_029, 45_030, 45_033, 45_039],
  // The driver: a pool that is closed, or could not be initialised or connected.
  ...[45_027, 45_035, 45_037, 45_060, 45_061],
  // No connection to the server, or one that broke or was killed.
  ...[1042, 1043, 1080, 1152, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1927, 2002, 2003, 2005, 2006, 2013],
  ...[3169, 4031],
  // The server is stopping, offline or, in a Galera cluster, not ready.
  ...[1047, 1053, 1077, 1079, 3032, 3168],
  // The server is read-only, usually because another one has taken over.
  ...[1290, 1792, 1836],
  // No resources are left: disk, memory, threads, connections, transactions, locks, or the user's limit.
  ...[1021, 1037, 1040, 1041, 1135, 1203, 1206, 1226, 1637],
  // A conflict with another transaction: a deadlock, a locked row, a row that has changed since it was read, or another
  // node of a cluster that has ended the transaction.
  ...[1020, 1205, 1213, 1305, 3572],
  // The statement ran out of time or was interrupted.
  ...[1317, 1969, 3024],
  // The commit failed, also through replication.
  ...[1180, 3100, 3101],
]);

/** True when a dependency is down or overloaded, so that a retry can succeed; false when the work itself is wrong. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && OUTAGE_CODES.has(error.code)) return true;
  if (OUTAGE_KINDS.has(driverError(error)?.kind)) return true;
  const number = sqlErrorNumber(error);
  return number !== undefined && OUTAGE_NUMBERS.has(number);
}
