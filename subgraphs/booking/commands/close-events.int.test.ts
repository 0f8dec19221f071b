import type { Pool } from 'mariadb';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConnection } from '#platform/database/migrations.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { saveEventSnapshots } from '../store/inventories.ts';
import { bookRequest, createBookingTestDatabase, createTestAllocator, makeEvent } from '../testing.ts';
import { closeNextEvent } from './close-events.ts';

describe('closing a cancelled event', () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let database: PrismaClient;
  let pool: Pool;
  const neverStopping = { isStopping: () => false };

  beforeAll(async () => {
    test = await createBookingTestDatabase();
    ({ database, pool } = test.connect());
  });
  afterAll(() => test.remove());

  const closer = (afterChunk: () => void = () => undefined) => ({
    database,
    newId: () => newId(),
    relay: { nudge: afterChunk, requireRoom: () => undefined },
  });

  it('cancels every booking once, with one message each, even after a crash between two chunks', async () => {
    const facts = await makeEvent(database, { initialSeats: 1_000 });
    const { eventId } = facts;
    const allocator = createTestAllocator(pool);
    await Promise.all(Array.from({ length: 450 }, () => allocator.submit(bookRequest({ eventId }))));
    await saveEventSnapshots(database, [
      {
        ...facts,
        version: 2,
        status: 'CANCELLED',
        correlationId: 'the-cancelling-request',
        cancellationDeadline: new Date(0),
        cancellationReason: 'Storm 🌩',
      },
    ]);

    const crash = () => {
      throw new Error('crashed');
    };
    await expect(closeNextEvent(closer(crash), neverStopping)).rejects.toThrow('crashed');
    const left = await database.booking.count({ where: { eventId, status: 'CONFIRMED' } });
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(450);
    const messagesBefore = await database.outboxMessage.count({ where: { subject: 'booking.cancelled.v1' } });
    expect(messagesBefore).toBe(450 - left);

    expect(await closeNextEvent(closer(), neverStopping)).toBe(true);
    expect(await closeNextEvent(closer(), neverStopping)).toBe(false);
    expect(await database.booking.count({ where: { eventId, status: 'CONFIRMED' } })).toBe(0);
    expect(await database.outboxMessage.count({ where: { subject: 'booking.cancelled.v1' } })).toBe(450);
    const messages = await database.outboxMessage.findMany({ where: { subject: 'booking.cancelled.v1' } });
    const correlationIds = messages.map(({ payload }) => JSON.parse(payload).correlationid);
    expect(new Set(correlationIds)).toEqual(new Set(['the-cancelling-request']));
    const reasons = messages.map(({ payload }) => JSON.parse(payload).data.cancellationReason);
    expect(new Set(reasons)).toEqual(new Set(['Storm 🌩']));
    expect(await database.booking.count({ where: { eventId, cancellationReason: 'Storm 🌩' } })).toBe(450);
    const inventory = await database.inventory.findUniqueOrThrow({ where: { eventId } });
    expect(inventory).toMatchObject({ totalSeats: 1_000, availableSeats: 1_000 });
    expect(await allocator.submit(bookRequest({ eventId }))).toMatchObject({ reason: 'EVENT_CANCELLED' });
  });

  it('closes other events while one is locked, and closes that event after its release', async () => {
    const allocator = createTestAllocator(pool);
    const events = await Promise.all([1, 2, 3].map(() => makeEvent(database)));
    await Promise.all(events.map(({ eventId }) => allocator.submit(bookRequest({ eventId }))));
    await saveEventSnapshots(
      database,
      events.map((facts) => ({ ...facts, version: 2, status: 'CANCELLED' })),
    );
    const open = () => database.inventory.findMany({ where: { status: 'CANCELLED', closedAt: null } });
    // The first event that the search finds.
    const [held] = (await open()).map(({ eventId }) => eventId).sort();
    // Not from the pool, because a connection of the pool times out when it is silent for so long.
    const holder = await openConnection(test.url);
    await holder.beginTransaction();
    await holder.query('SELECT event_id FROM inventories WHERE event_id = ? FOR UPDATE', [held]);

    while (await closeNextEvent(closer(), neverStopping));
    expect((await open()).map(({ eventId }) => eventId)).toEqual([held]);
    await holder.end();
    expect(await closeNextEvent(closer(), neverStopping)).toBe(true);
    expect(await open()).toEqual([]);
  });

  it('saves the id of the cancelling request, even if the facts were fetched before the message', async () => {
    const facts = await makeEvent(database, { version: 2, status: 'CANCELLED' });
    const correlationId = async () =>
      (await database.inventory.findUniqueOrThrow({ where: { eventId: facts.eventId } })).factsCorrelationId;
    expect(await correlationId()).toBeNull();
    await saveEventSnapshots(database, [{ ...facts, correlationId: 'x'.repeat(100) }]);
    expect(await correlationId()).toBe('x'.repeat(64));
    await saveEventSnapshots(database, [{ ...facts, version: 1, correlationId: 'older' }]);
    expect(await correlationId()).toBe('x'.repeat(64));
  });

  it('ignores an older message about a cancelled event', async () => {
    const facts = await makeEvent(database, { version: 3, status: 'CANCELLED' });
    await saveEventSnapshots(database, [{ ...facts, version: 2, status: 'SCHEDULED' }]);
    const inventory = await database.inventory.findUniqueOrThrow({ where: { eventId: facts.eventId } });
    expect(inventory).toMatchObject({ status: 'CANCELLED', eventVersion: 3 });
  });
});
