import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyOnce } from '#platform/messaging/message-handlers.ts';
import { userHandlers } from '../messaging/user-handlers.ts';
import { findHolds } from '../store/find-holds.ts';
import { findWaitlistEntries } from '../store/find-waitlist-entries.ts';
import {
  bookRequest,
  cancelRequest,
  createBookingTestDatabase,
  createTestAllocator,
  holdRequest,
  joinRequest,
  makeEvent,
} from '../testing.ts';
import type { Allocator } from './allocator.ts';
import { forgetUser } from './forget-user.ts';

describe('a user who has deleted their account', () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let own: ReturnType<typeof test.connect>;
  let allocator: Allocator;

  beforeAll(async () => {
    test = await createBookingTestDatabase();
    own = test.connect();
    allocator = createTestAllocator(own.pool);
  });
  afterAll(() => test.remove());

  /** Applies the message about the deletion, like the consumer. */
  async function receiveDeletion(userId: string): Promise<void> {
    const dependencies = { sql: own.sql, allocator, relay: { nudge: () => undefined, requireRoom: () => undefined } };
    const handlers = userHandlers((deletion) => forgetUser(dependencies, deletion));
    await applyOnce(own.sql, { consumer: 'booking-users', handlers }, [
      {
        id: newId(),
        type: 'user.deleted.v1',
        subject: userId,
        time: new Date(),
        correlationId: 'the-deletion',
        data: { userId },
      },
    ]);
  }

  const makeFull = async () => {
    const { eventId } = await makeEvent(own.database, { initialSeats: 1 });
    const { bookingId } = bookRequest({ eventId });
    await allocator.submit(bookRequest({ eventId, bookingId }));
    return { eventId, cancel: cancelRequest({ bookingId, eventId }) };
  };
  const entriesOf = async (ids: readonly string[]) => {
    const rows = new Map((await findWaitlistEntries(own.sql, ids)).map((row) => [row.id, row]));
    return ids.map((id) => rows.get(id));
  };

  it('waits for no event any more, and gives the held seats to the next in line', async () => {
    const [userId, nextId] = [newId(), newId()];
    const [offering, full] = [await makeFull(), await makeFull()];
    const join = (eventId: string, of: string) => joinRequest({ eventId, userId: of });
    const requests = [join(offering.eventId, userId), join(full.eventId, userId), join(offering.eventId, nextId)];
    for (const request of requests) await allocator.submit(request);
    await allocator.submit(offering.cancel);
    const open = await makeEvent(own.database);
    const hold = holdRequest({ eventId: open.eventId, userId, seatCount: 2 });
    const booking = bookRequest({ eventId: open.eventId, userId });
    await Promise.all([hold, booking].map((request) => allocator.submit(request)));

    for (const _time of [1, 2]) {
      await receiveDeletion(userId);
      const [offered, left, next] = await entriesOf(requests.map(({ entryId }) => entryId));
      expect(left).toMatchObject({ status: 'LEFT' });
      expect(next).toMatchObject({ status: 'OFFERED' });
      const holds = await findHolds(own.sql, [offered?.holdId ?? '', hold.holdId, next?.holdId ?? '']);
      const statuses = new Map(holds.map(({ id, status }) => [id, status]));
      expect(statuses.get(offered?.holdId ?? '')).toBe('RELEASED');
      expect(statuses.get(hold.holdId)).toBe('RELEASED');
      expect(statuses.get(next?.holdId ?? '')).toBe('HELD');
    }
    expect(await own.database.booking.findUnique({ where: { id: booking.bookingId } })).toMatchObject({
      status: 'CONFIRMED',
    });
    const messages = await own.database.outboxMessage.findMany({
      where: { subject: 'hold.released.v1', payload: { contains: userId } },
    });
    expect(messages).toHaveLength(2);
    for (const { payload } of messages) expect(payload).toContain('the-deletion');
    expect(await allocator.submit(bookRequest({ eventId: full.eventId }))).toMatchObject({ outcome: 'sold-out' });
    const inventories = await own.database.inventory.findMany({ where: { eventId: full.eventId } });
    expect(inventories).toMatchObject([{ waitingSeats: 0 }]);
  });

  it('gives back more holds and entries than one page has', async () => {
    const userId = newId();
    const events = await Promise.all(Array.from({ length: 101 }, makeFull));
    await Promise.all(events.map(({ eventId }) => allocator.submit(joinRequest({ eventId, userId }))));
    const { eventId } = await makeEvent(own.database, { initialSeats: 101 });
    await Promise.all(events.map(() => allocator.submit(holdRequest({ eventId, userId }))));
    await receiveDeletion(userId);
    expect(await own.database.waitlistEntry.count({ where: { userId, status: 'WAITING' } })).toBe(0);
    expect(await own.database.hold.count({ where: { userId, status: 'HELD' } })).toBe(0);
    expect(await own.database.inventory.findUnique({ where: { eventId } })).toMatchObject({ availableSeats: 101 });
  });
});
