import { sqltag as sql } from '@prisma/client/runtime/client';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabasePool, prismaAdapter, TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { driverTransactions } from '#platform/database/transactions.ts';
import { isUnavailable } from '#platform/errors/outages.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { createTestDatabase, type TestDatabase } from '#platform/testing/database.ts';
import { createProxy } from '#platform/testing/proxy.ts';
import { PrismaClient } from '../generated/prisma/client.ts';
import { saveEventSnapshots } from './inventories.ts';

/** More than the data chunks that the test's calls exchange in one direction. */
const CHUNKS = 30;
const ROUNDS_MAX = 20;

let test: TestDatabase;
const unhandled: unknown[] = [];
const noteUnhandled = (error: unknown) => void unhandled.push(error);
let listeners: NodeJS.UnhandledRejectionListener[];
beforeAll(async () => {
  test = await createTestDatabase('booking');
  // The driver leaves some rejections unhandled. A service stops on those that are not outages.
  listeners = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', noteUnhandled);
});
afterAll(async () => {
  process.removeListener('unhandledRejection', noteUnhandled);
  for (const listener of listeners) process.on('unhandledRejection', listener);
  await test?.drop();
});

/** Repeats all kinds of database calls until a round has no errors. Returns the errors of the earlier rounds. */
async function callDatabase(url: string): Promise<unknown[]> {
  const settings = parseConfig(databaseSettings('test'), { DATABASE_URL: url, DATABASE_POOL_MAX: '2' });
  const pool = createDatabasePool(settings);
  const database = new PrismaClient({ adapter: prismaAdapter(pool) });
  const facts = () => ({
    ...{ eventId: newId(), organizerId: newId(), startsAt: new Date(), version: 1, initialSeats: 1 },
    status: 'SCHEDULED' as const,
  });
  const errors: unknown[] = [];
  try {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const before = errors.length;
      for (const call of [
        () => pool.query('SELECT 1'),
        () => database.inventory.findMany({ take: 1 }),
        () => database.$queryRaw(sql`SELECT 1`),
        () =>
          database.$transaction(async (transaction) => {
            await transaction.inventory.findMany({ take: 1 });
            await saveEventSnapshots(transaction, [facts()]);
          }, TRANSACTION_LIMITS),
        () => driverTransactions(pool)(async (transaction) => transaction.$queryRaw(sql`SELECT 1`)),
      ]) {
        try {
          await call();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length === before) return errors;
    }
    throw new Error(`The database calls still fail after ${ROUNDS_MAX} rounds.`);
  } finally {
    await pool.end();
  }
}

it.each([
  ['close', 'client'],
  ['close', 'server'],
  ['reset', 'client'],
  ['reset', 'server'],
] as const)(
  'a connection %s before any data chunk from the %s is an outage, and later calls succeed',
  {
    timeout: 60_000,
  },
  async (how, from) => {
    const outcomes = await Promise.all(
      Array.from({ length: CHUNKS }, async (_, cutAt) => {
        const proxy = await createProxy(test.url);
        let chunks = 0;
        let isCut = false;
        proxy.stopAt({ from, isReached: () => chunks++ === cutAt }).then(() => {
          isCut = true;
          proxy.cut(how);
          proxy.restore();
        });
        const errors = await callDatabase(proxy.url);
        proxy.close();
        return { isCut, errors };
      }),
    );
    const errors = outcomes.flatMap((outcome) => outcome.errors);
    expect(errors.filter((error) => !isUnavailable(error))).toEqual([]);
    expect(unhandled.filter((error) => !isUnavailable(error))).toEqual([]);
    expect(errors.length).toBeGreaterThan(3);
    // The last chunk numbers were never reached, so the connection was cut at every possible point.
    expect(outcomes[0]?.isCut).toBe(true);
    expect(outcomes.at(-1)?.isCut).toBe(false);
  },
);
