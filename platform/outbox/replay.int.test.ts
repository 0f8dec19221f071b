import { sqltag as sql } from '@prisma/client/runtime/client';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { driverTransactions } from '../database/transactions.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { connectSql, testMessage } from '../testing/messaging.ts';
import { appendToOutbox } from './append.ts';
import { replayOutbox } from './replay.ts';

let testDatabase: TestDatabase;
let database: ReturnType<typeof connectSql>;

beforeAll(async () => {
  testDatabase = await createTestDatabase('booking');
  database = connectSql(testDatabase.url);
});
afterAll(async () => {
  await database.pool.end();
  await testDatabase.drop();
});

async function appendPublished(count: number, publishedAt: Date): Promise<string[]> {
  const messages = Array.from({ length: count }, () => testMessage(newId(), 'thing.happened.v1'));
  await appendToOutbox(database, 'test', messages);
  await database.$executeRaw(sql`UPDATE outbox SET published_at = ${publishedAt} WHERE published_at IS NULL`);
  return messages.map(({ id }) => id);
}

test('exactly the messages that were published between the given time and the call become unpublished', async () => {
  const since = new Date(Date.now() - 60_000);
  await appendPublished(3, new Date(since.getTime() - 1));
  const wanted = [
    ...(await appendPublished(1, since)),
    ...(await appendPublished(2_500, new Date(Date.now() - 1_000))),
  ];
  await appendPublished(2, new Date(Date.now() + 60_000));

  expect(await replayOutbox(driverTransactions(database.pool), since)).toBe(2_501);
  const rows = await database.$queryRaw<{ id: string }[]>(
    sql`SELECT id FROM outbox WHERE published_at IS NULL ORDER BY id`,
  );
  expect(rows.map(({ id }) => id)).toEqual(wanted.toSorted());
});
