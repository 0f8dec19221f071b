import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { databaseSettings, parseConfig } from '#platform/config.ts';
import { createDatabasePool, prismaAdapter } from '#platform/database.ts';
import type { Caller } from '#platform/identity.ts';
import { createTestDatabase, type TestDatabase } from '#platform/testing/database.ts';
import type { Event } from '../domain/event.ts';
import { PrismaClient } from '../generated/prisma/client.ts';
import { createEvent } from './create-event.ts';
import type { EventDependencies } from './dependencies.ts';
import { reviseEvent } from './revise-event.ts';

const DAY_MS = 86_400_000;

describe('events in a real database', () => {
  let test: TestDatabase;
  let pool: ReturnType<typeof createDatabasePool>;
  let dependencies: EventDependencies;
  const organizer: Caller = { userId: newId(), role: 'USER' };
  const invalidate = vi.fn(async () => undefined);

  beforeAll(async () => {
    test = await createTestDatabase('event');
    pool = createDatabasePool(parseConfig(databaseSettings('event_db'), { DATABASE_URL: test.url }));
    dependencies = {
      database: new PrismaClient({ adapter: prismaAdapter(pool) }),
      cache: { getMany: async () => new Map(), invalidate, isHealthy: () => true, stop: async () => undefined },
      relay: { nudge: () => undefined, isHealthy: () => true, stop: async () => undefined },
      now: () => new Date(),
      newId: () => newId(),
    };
  });
  afterAll(async () => {
    await pool.end();
    await test.drop();
  });

  const request = <Input>(input: Input, caller = organizer) => ({ caller, requestId: 'test', input });
  const make = (name = 'Concert', startsAt = new Date(Date.now() + DAY_MS)): Promise<Event> =>
    createEvent(dependencies, request({ name, startsAt, totalSeats: 100 }));
  const messagesOf = async ({ id }: Event) => {
    const rows = await dependencies.database.outboxMessage.findMany({ orderBy: { id: 'asc' } });
    return rows.map(({ payload }) => JSON.parse(payload)).filter(({ subject }) => subject === id);
  };

  it('are stored to the millisecond in UTC, with the message that tells of them', async () => {
    const event = await make('Grüße 🎟', new Date('2030-06-01T12:00:00.123Z'));
    const row = await dependencies.database.event.findUniqueOrThrow({ where: { id: event.id } });
    expect(row).toEqual(event);
    const [message] = await messagesOf(event);
    expect(message).toMatchObject({
      type: 'event.created.v1',
      source: 'event',
      correlationid: 'test',
      data: { eventId: event.id, startsAt: '2030-06-01T12:00:00.123Z', initialSeats: 100, version: 1 },
    });
  });

  it('are changed by one of many who saw the same version', async () => {
    const { id } = await make();
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        reviseEvent(dependencies, request({ id, expectedVersion: 1, changes: { name: `Name ${i}` } })),
      ),
    );
    expect(results.filter(({ outcome }) => outcome === 'revised')).toHaveLength(1);
    expect(results.filter(({ outcome }) => outcome === 'version-conflict')).toHaveLength(7);
  });

  it('tell of every change once, and are forgotten by the cache after it', async () => {
    const event = await make();
    const { id } = event;
    invalidate.mockClear();
    await reviseEvent(dependencies, request({ id, expectedVersion: 1, changes: { venue: 'Park' } }));
    await reviseEvent(dependencies, request({ id, expectedVersion: 2, changes: { venue: 'Park' } }));
    await reviseEvent(dependencies, request({ id, expectedVersion: 2, changes: { status: 'CANCELLED' } }));
    expect((await messagesOf(event)).map(({ type }) => type)).toEqual([
      'event.created.v1',
      'event.updated.v1',
      'event.cancelled.v1',
    ]);
    expect(invalidate.mock.calls).toEqual([
      [id, 2],
      [id, 3],
    ]);
  });

  it('are changed by their organizer and admins only', async () => {
    const { id } = await make();
    const input = { id, expectedVersion: 1, changes: { name: 'Mine' } };
    const stranger: Caller = { userId: newId(), role: 'USER' };
    await expect(reviseEvent(dependencies, request(input, stranger))).rejects.toMatchObject({
      extensions: { code: 'FORBIDDEN' },
    });
    const admin: Caller = { userId: newId(), role: 'ADMIN' };
    expect(await reviseEvent(dependencies, request(input, admin))).toMatchObject({ outcome: 'revised' });
  });

  it('that do not exist are not found', async () => {
    const input = { id: newId(), expectedVersion: 1, changes: {} };
    expect(await reviseEvent(dependencies, request(input))).toEqual({ outcome: 'not-found' });
  });
});
