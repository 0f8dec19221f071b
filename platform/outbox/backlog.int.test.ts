import { sqltag as sql } from '@prisma/client/runtime/client';
import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createLogLines } from '#tests/support/log-lines.ts';
import { createBounds } from '../process/bounds.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { connectSql, testMessage } from '../testing/messaging.ts';
import { appendToOutbox } from './append.ts';
import { createBacklog } from './backlog.ts';

const SOON = { timeout: 10_000, interval: 20 };

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
beforeEach(async () => {
  await database.$executeRaw(sql`DELETE FROM outbox`);
});

const append = (count: number) =>
  appendToOutbox(
    database,
    'test',
    Array.from({ length: count }, () => testMessage(newId(), 'thing.happened.v1')),
  );

function watch({ rowsMax, secondsMax }: { rowsMax: number; secondsMax: number }) {
  const { logger, lines } = createLogLines();
  const metrics = new Registry();
  const bounds = createBounds({ logger, metrics });
  const settings = { OUTBOX_WAITING_ROWS_MAX: rowsMax, OUTBOX_WAITING_SECONDS_MAX: secondsMax };
  return { bounds, lines, metrics, ...createBacklog({ database, settings, bounds, logger, metrics, lookEveryMs: 20 }) };
}

const isRefused = (backlog: { requireRoom(): void }) => {
  try {
    backlog.requireRoom();
    return false;
  } catch (error) {
    expect(error).toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
    return true;
  }
};

test('a full outbox refuses changes until messages have been published, and warns before it is full', async () => {
  const backlog = watch({ rowsMax: 50, secondsMax: 3_600 });
  try {
    await append(40);
    await vi.waitFor(() => expect(backlog.bounds.warning()).toBe('outbox rows: 80 %'), SOON);
    expect(isRefused(backlog)).toBe(false);
    await append(20);
    await vi.waitFor(() => expect(isRefused(backlog)).toBe(true), SOON);
    expect(backlog.bounds.warning()).toBe('outbox rows: 100 %');

    await database.$executeRaw(sql`UPDATE outbox SET published_at = CURRENT_TIMESTAMP(3) LIMIT 30`);
    await vi.waitFor(() => expect(isRefused(backlog)).toBe(false), SOON);
    await vi.waitFor(() => expect(backlog.bounds.warning()).toBeUndefined(), SOON);
    expect(backlog.lines.map(({ msg }) => msg).filter((msg) => /^the outbox/.test(String(msg)))).toEqual([
      'the outbox is full; changes are refused',
      'the outbox has room again',
    ]);
    expect(await backlog.metrics.metrics()).toContain('outbox_limit_messages 50\n');
  } finally {
    await backlog.stop();
  }
});

test('a message that waits long causes a warning but no refusals', async () => {
  const backlog = watch({ rowsMax: 50, secondsMax: 100 });
  try {
    await append(1);
    await database.$executeRaw(sql`UPDATE outbox SET created_at = CURRENT_TIMESTAMP(3) - INTERVAL 90 SECOND`);
    await vi.waitFor(() => expect(backlog.bounds.warning()).toMatch(/^outbox age: 9\d %$/), SOON);
    expect(isRefused(backlog)).toBe(false);
  } finally {
    await backlog.stop();
  }
});
