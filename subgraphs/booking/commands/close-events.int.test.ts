import type { Pool } from 'mariadb';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { saveEventFacts } from '../store/inventories.ts';
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

  it('cancels every booking once, with a message each, also when it is broken off after a chunk', async () => {
    const facts = await makeEvent(database, { initialSeats: 1_000 });
    const { eventId } = facts;
    const allocator = createTestAllocator(pool);
    await Promise.all(Array.from({ length: 450 }, () => allocator.submit(bookRequest({ eventId }))));
    await saveEventFacts(database, [{ ...facts, version: 2, status: 'CANCELLED' }]);

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
    const inventory = await database.inventory.findUniqueOrThrow({ where: { eventId } });
    expect(inventory).toMatchObject({ totalSeats: 1_000, availableSeats: 1_000 });
    expect(await allocator.submit(bookRequest({ eventId }))).toMatchObject({ reason: 'EVENT_CANCELLED' });
  });

  it('never lets an older message bring an event back', async () => {
    const facts = await makeEvent(database, { version: 3, status: 'CANCELLED' });
    await saveEventFacts(database, [{ ...facts, version: 2, status: 'SCHEDULED' }]);
    const inventory = await database.inventory.findUniqueOrThrow({ where: { eventId: facts.eventId } });
    expect(inventory).toMatchObject({ status: 'CANCELLED', eventVersion: 3 });
  });
});
