import { NatsError } from 'nats';
import { expect, test } from 'vitest';
import { isUnavailable } from './outages.ts';
import { SQL_ERROR, sqlErrorNumber } from './sql-error.ts';

/** As the driver throws them: a name for the code, the number beside it. */
const driverError = (code: string, errno: number) => Object.assign(new Error(code), { code, errno });
/** As a socket throws them, and the driver passes them on. */
const systemError = (code: string, errno: number) =>
  Object.assign(new Error(`read ${code}`), { code, errno, syscall: 'read', fatal: true, sqlState: 'HY000' });
/** As Prisma throws them: the driver's error deep inside. */
const prismaError = (originalCode: string) =>
  Object.assign(new Error('P2010'), { code: 'P2010', meta: { driverAdapterError: { cause: { originalCode } } } });

test.each([
  ['a connection that died while it was opened', driverError('ER_INITIAL_SQL_ERROR', 45_030), true],
  ['a pool without a free connection', driverError('ER_GET_CONNECTION_TIMEOUT', 45_028), true],
  ['a deadlock', driverError('ER_LOCK_DEADLOCK', 1213), true],
  ['a deadlock, through Prisma', prismaError('1213'), true],
  ['a duplicate key', driverError('ER_DUP_ENTRY', SQL_ERROR.duplicateKey), false],
  ['a duplicate key, through Prisma', prismaError('1062'), false],
  ['a connection that was reset', systemError('ECONNRESET', -104), true],
  ['a connection that was reset, through Prisma', Object.assign(new Error('read'), { code: 'ECONNRESET' }), true],
  ['a server that was killed during a write', systemError('EPIPE', -32), true],
  ['a host that is gone', systemError('EHOSTUNREACH', -113), true],
  ['a name that is not resolved now', systemError('EAI_AGAIN', -3001), true],
  ['a read-only server', driverError('ER_OPTION_PREVENTS_STATEMENT', 1290), true],
  ['a lock that NOWAIT met', driverError('ER_LOCK_NOWAIT', 3572), true],
  ['a session that was closed for inactivity', driverError('ER_CLIENT_INTERACTION_TIMEOUT', 4031), true],
  ['a Galera node that is not ready', driverError('ER_UNKNOWN_COM_ERROR', 1047), true],
  ['a deadlock in a model query of Prisma', Object.assign(new Error('deadlock'), { code: 'P2034' }), true],
  ['a statement of which the driver lacks a parameter', driverError('ER_MISSING_PARAMETER', 45_016), false],
  ['a packet that is too large', driverError('ER_NET_PACKET_TOO_LARGE', 1153), false],
  ['a wrong password', driverError('ER_ACCESS_DENIED_ERROR', 1045), false],
  ['a missing file', Object.assign(new Error('ENOENT'), { code: 'ENOENT', errno: -2 }), false],
  ['a mistake of ours', new TypeError('x is not a function'), false],
])('%s: the database is to blame or not', (_what, error, isToBlame) => {
  expect(isUnavailable(error)).toBe(isToBlame);
});

test.each(['TIMEOUT', 'CONNECTION_CLOSED', 'DISCONNECT', '503'])('A broker that is away says %s', (code) => {
  expect(isUnavailable(new NatsError('away', code))).toBe(true);
});

test('The number of an error is found wherever it is', () => {
  expect(sqlErrorNumber(driverError('ER_DUP_ENTRY', 1062))).toBe(1062);
  expect(sqlErrorNumber(prismaError('1062'))).toBe(1062);
  expect(sqlErrorNumber(new Error('none'))).toBeUndefined();
});
