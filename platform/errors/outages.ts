import { driverError, sqlErrorNumber } from './sql-error.ts';

/**
 * The errors that mean: a dependency is down, stopping or overloaded, or a conflict with another transaction occurred.
 * The sources are the libraries in package-lock.json: mariadb 3.4 (lib/misc/errors.js, lib/connection.js), Prisma 7.10
 * (driver-adapter-utils, client runtime), nats 2.29 (ErrorCode) and ioredis 6; and the error references of MariaDB
 * 10.11 and MySQL 9.7. Errors that a retry would repeat are not included, such as a wrong statement, a packet that is
 * too large or a refused password.
 */

/**
 * Codes of the operating system and of Node, in errors that come from a socket. The driver adds no SQL number to them.
 */
const SYSTEM_CODES = [
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOTCONN',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_SOCKET_CLOSED',
  'ERR_SOCKET_CLOSED_BEFORE_CONNECTION',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
];

const PRISMA_CODES = [
  'P1001', // not reachable
  'P1002', // reached, but timed out
  'P1008', // socket time-out
  'P1017', // the server closed the connection
  'P1018', // the transaction is closed already
  'P2024', // no free connection in time
  'P2028', // the transaction could not begin, expired or was lost
  'P2034', // deadlock or write conflict
  'P2037', // too many connections
];

const NATS_CODES = [
  '408', // a pull request that ended
  '503', // no responders: JetStream has no leader, or is starting
  'CONNECTION_CLOSED',
  'CONNECTION_DRAINING',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'DISCONNECT',
  'IDLE_HEARTBEAT',
  'TIMEOUT',
];

/** The code of DeadlineError: the caller no longer waits. */
const DEADLINE_CODES = ['DEADLINE_PASSED'];

/** Values of an error's `code`. */
const OUTAGE_CODES: ReadonlySet<unknown> = new Set([
  ...SYSTEM_CODES,
  ...PRISMA_CODES,
  ...NATS_CODES,
  ...DEADLINE_CODES,
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

/** Numbers that the mariadb driver itself uses. */
const DRIVER_NUMBERS = [
  45_001, // connection closed already
  45_004, // command not executed, the connection was destroyed
  45_009, // socket closed unexpectedly
  45_011, // an unexpected packet: the server's last message before it closes the connection
  45_012, // connection time-out
  45_013, // command on a closed connection
  45_019, // socket error
  45_024, // an unexpected packet in the handshake
  45_026, // socket time-out
  45_027, // pool closed already
  45_028, // no connection from the pool in time
  45_029, // the session could not be set up
  45_030, // an initial statement failed
  45_033, // the time zone could not be set, also because the connection broke
  45_035, // new connection for a closed pool
  45_037, // the pool is closing
  45_039, // the initial time-out could not be set
  45_042, // ping time-out
  45_060, // the pool could not be initialised
  45_061, // the pool could not make a connection
];

/** Numbers that the servers use. */
const SERVER_NUMBERS = [
  1020, // MariaDB: the row has changed since it was read
  1021, // disk full
  1037, // out of memory
  1040, // too many connections
  1041, // out of memory
  1042, // host name cannot be resolved
  1043, // bad handshake: the connection broke during the handshake
  1047, // Galera: the node is not ready for use
  1053, // shutdown in progress
  1077, // normal shutdown
  1079, // shutdown complete
  1080, // thread closed by force
  1135, // no new thread
  1152, // connection aborted
  1154, // pipe read error
  1155, // fcntl error
  1156, // packets out of order
  1157, // packet cannot be uncompressed
  1158, // network read error
  1159, // network read time-out
  1160, // network write error
  1161, // network write time-out
  1180, // error during the commit
  1184, // new connection aborted
  1203, // too many connections of this user
  1205, // lock wait time-out
  1206, // lock table full
  1213, // deadlock
  1226, // the user's limit is reached
  1290, // read-only by option
  1317, // statement interrupted
  1637, // too many transactions
  1792, // read-only transaction
  1836, // read-only mode
  1927, // MariaDB: connection killed
  1969, // MariaDB: statement out of time
  2002, // no socket to the server
  2003, // no connection to the server
  2005, // unknown host
  2006, // server has gone away
  2013, // connection lost during the statement
  3024, // MySQL: statement out of time
  3032, // MySQL: offline mode
  3100, // MySQL: a replication hook failed
  3101, // MySQL: rolled back during the commit by group replication
  3168, // MySQL: server is not available
  3169, // MySQL: session was killed
  3572, // MySQL: row is locked and NOWAIT is set
  4031, // MySQL: disconnected for inactivity
];

/** SQL error numbers. */
const OUTAGE_NUMBERS: ReadonlySet<number> = new Set([...DRIVER_NUMBERS, ...SERVER_NUMBERS]);

/** True when a dependency is down or overloaded, so that a retry can succeed; false when the work itself is wrong. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && OUTAGE_CODES.has(error.code)) return true;
  if (OUTAGE_KINDS.has(driverError(error)?.kind)) return true;
  const number = sqlErrorNumber(error);
  return number !== undefined && OUTAGE_NUMBERS.has(number);
}
