import { NatsError } from 'nats';
import { expect, test } from 'vitest';
import { isUnavailable } from './outages.ts';
import { SQL_ERROR, sqlErrorNumber } from './sql-error.ts';

/** An error in the form of the driver: `code` is a name, `errno` the number. */
const driverError = (code: string, errno: number) => Object.assign(new Error(code), { code, errno });
/** An error of a socket, which the driver passes on. */
const systemError = (code: string, errno: number) =>
  Object.assign(new Error(`read ${code}`), { code, errno, syscall: 'read', fatal: true, sqlState: 'HY000' });
/** An error in the form of Prisma, which contains the driver's error. */
const prismaError = (originalCode: string) =>
  Object.assign(new Error('P2010'), { code: 'P2010', meta: { driverAdapterError: { cause: { originalCode } } } });

test.each([
  ['a connection that broke while it was opened', driverError('ER_INITIAL_SQL_ERROR', 45_030), true],
  ['a pool without a free connection', driverError('ER_GET_CONNECTION_TIMEOUT', 45_028), true],
  ['a deadlock', driverError('ER_LOCK_DEADLOCK', 1213), true],
  ['a deadlock, through Prisma', prismaError('1213'), true],
  ['a duplicate key', driverError('ER_DUP_ENTRY', SQL_ERROR.duplicateKey), false],
  ['a duplicate key, through Prisma', prismaError('1062'), false],
  ['a connection that was reset', systemError('ECONNRESET', -104), true],
  ['a connection that was reset, through Prisma', Object.assign(new Error('read'), { code: 'ECONNRESET' }), true],
  ['a server that was killed during a write', systemError('EPIPE', -32), true],
  ['a host that is unreachable', systemError('EHOSTUNREACH', -113), true],
  ['a name that cannot be resolved temporarily', systemError('EAI_AGAIN', -3001), true],
  ['a read-only server', driverError('ER_OPTION_PREVENTS_STATEMENT', 1290), true],
  ['a locked row with NOWAIT', driverError('ER_LOCK_NOWAIT', 3572), true],
  ['a session that was closed for inactivity', driverError('ER_CLIENT_INTERACTION_TIMEOUT', 4031), true],
  ['a Galera node that is not ready', driverError('ER_UNKNOWN_COM_ERROR', 1047), true],
  ['a deadlock in a model query of Prisma', Object.assign(new Error('deadlock'), { code: 'P2034' }), true],
  ['a statement without a required parameter', driverError('ER_MISSING_PARAMETER', 45_016), false],
  ['a packet that is too large', driverError('ER_NET_PACKET_TOO_LARGE', 1153), false],
  ['a wrong password', driverError('ER_ACCESS_DENIED_ERROR', 1045), false],
  ['a missing file', Object.assign(new Error('ENOENT'), { code: 'ENOENT', errno: -2 }), false],
  ['a programming error', new TypeError('x is not a function'), false],
])('whether %s counts as an outage', (_what, error, isOutage) => {
  expect(isUnavailable(error)).toBe(isOutage);
});

test.each(['TIMEOUT', 'CONNECTION_CLOSED', 'DISCONNECT', '503'])('the NATS error %s counts as an outage', (code) => {
  expect(isUnavailable(new NatsError('away', code))).toBe(true);
});

test('the number of an SQL error is found in errors of the driver and of Prisma', () => {
  expect(sqlErrorNumber(driverError('ER_DUP_ENTRY', 1062))).toBe(1062);
  expect(sqlErrorNumber(prismaError('1062'))).toBe(1062);
  expect(sqlErrorNumber(new Error('none'))).toBeUndefined();
});
