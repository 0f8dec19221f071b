import { expect, test } from 'vitest';
import { isUnavailable, SQL_ERROR, sqlErrorNumber } from './database.ts';

/** As the driver throws them: a name for the code, the number beside it. */
const driverError = (code: string, errno: number) => Object.assign(new Error(code), { code, errno });
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
  ['a mistake of ours', new TypeError('x is not a function'), false],
])('%s: the database is to blame or not', (_what, error, isToBlame) => {
  expect(isUnavailable(error)).toBe(isToBlame);
});

test('The number of an error is found wherever it is', () => {
  expect(sqlErrorNumber(driverError('ER_DUP_ENTRY', 1062))).toBe(1062);
  expect(sqlErrorNumber(prismaError('1062'))).toBe(1062);
  expect(sqlErrorNumber(new Error('none'))).toBeUndefined();
});
