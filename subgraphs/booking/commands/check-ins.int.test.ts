import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { driverTransactions } from '#platform/database/transactions.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { saveEventSnapshots } from '../store/inventories.ts';
import { countSeats } from '../store/reconciliation.ts';
import {
  bookRequest,
  cancelRequest,
  checkInRequest,
  createBookingTestDatabase,
  createTestAllocator,
  makeEvent,
  WAITLIST,
} from '../testing.ts';
import { createBatchAllocation } from './allocate-batch.ts';
import type { Allocator } from './allocator.ts';
import { closeNextEvent } from './close-events.ts';

describe('check-ins with a real database', () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let own: ReturnType<typeof test.connect>;
  let database: PrismaClient;
  let allocator: Allocator;
  let otherProcess: Allocator;

  beforeAll(async () => {
    test = await createBookingTestDatabase();
    own = test.connect();
    database = own.database;
    allocator = createTestAllocator(own.pool);
    otherProcess = createTestAllocator(test.connect().pool);
  });
  afterAll(() => test.remove());

  const processOf = (index: number): Allocator => (index % 2 === 0 ? allocator : otherProcess);

  async function book(seatCount: number, about?: { eventId: string }) {
    const { eventId } = about ?? (await makeEvent(database));
    const { outcome, ...rest } = await allocator.submit(bookRequest({ eventId, seatCount }));
    if (outcome !== 'booked' || !('booking' in rest)) throw new Error(outcome);
    return { bookingId: rest.booking.id, eventId };
  }

  /** Checks that bookings, check-ins and the event agree on the checked-in seats. Returns those of the event. */
  async function expectConsistent(eventId: string): Promise<number> {
    const bookings = await database.booking.findMany({ where: { eventId } });
    const checkIns = await database.checkIn.findMany({ where: { bookingId: { in: bookings.map(({ id }) => id) } } });
    const sumOf = (all: readonly { seats: number }[]) => all.reduce((sum, { seats }) => sum + seats, 0);
    for (const { id, seatCount, checkedInSeats } of bookings) {
      expect(checkedInSeats).toBeLessThanOrEqual(seatCount);
      expect(sumOf(checkIns.filter(({ bookingId }) => bookingId === id))).toBe(checkedInSeats);
    }
    const { checkedInSeats } = await database.inventory.findUniqueOrThrow({ where: { eventId } });
    expect(sumOf(checkIns)).toBe(checkedInSeats);
    const { totalSeats, availableSeats = 0, confirmedSeats = 0 } = (await countSeats(database, eventId)) ?? {};
    expect(availableSeats + confirmedSeats).toBe(totalSeats);
    return checkedInSeats;
  }

  it('lets in as many guests as a booking has seats when 20 doors of two processes ask at the same time', async () => {
    const about = await book(7);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => processOf(index).submit(checkInRequest({ ...about }))),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'checked-in')).toHaveLength(7);
    const refused = outcomes.filter((one) => one.outcome === 'too-many-seats');
    expect(refused.map(({ seatsLeft }) => seatsLeft)).toEqual(Array.from({ length: 13 }, () => 0));
    expect(await expectConsistent(about.eventId)).toBe(7);
  });

  it('lets in parts of different sizes, several bookings of an event at the same time', async () => {
    const event = await makeEvent(database);
    const bookings = await Promise.all([5, 8, 10].map((seatCount) => book(seatCount, event)));
    const requests = Array.from({ length: 60 }, (_, index) =>
      checkInRequest({ ...(bookings[index % 3] ?? { bookingId: '', eventId: '' }), seats: 1 + (index % 4) }),
    );
    await Promise.all(requests.map((request, index) => processOf(index).submit(request)));
    expect(await expectConsistent(event.eventId)).toBe(23);
  });

  it('counts the seats of one device key once, whichever process gets the retries', async () => {
    const about = await book(10);
    const request = checkInRequest({ ...about, seats: 2 });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => processOf(index).submit({ ...request, checkInId: newId() })),
    );
    expect(outcomes.filter((one) => one.outcome === 'checked-in' && !one.replayed)).toHaveLength(1);
    const [first] = outcomes;
    const expected = first?.outcome === 'checked-in' ? first.checkIn : undefined;
    for (const one of outcomes) expect(one).toMatchObject({ checkIn: expected, booking: { checkedInSeats: 2 } });
    expect(await allocator.submit({ ...request, seats: 3 })).toEqual({ outcome: 'key-reused' });
    expect(await expectConsistent(about.eventId)).toBe(2);
  });

  it('either cancels a booking or checks it in, when both are asked at the same time', async () => {
    const event = await makeEvent(database);
    const results = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const about = await book(2, event);
        return Promise.all([
          processOf(index).submit(checkInRequest({ ...about })),
          processOf(index + 1).submit(cancelRequest(about)),
        ]);
      }),
    );
    for (const [checkIn, cancel] of results) {
      const outcomes = [checkIn.outcome, cancel.outcome];
      expect([
        ['checked-in', 'booking-checked-in'],
        ['ticket-cancelled', 'cancelled'],
      ]).toContainEqual(outcomes);
    }
    const checkedIn = results.filter(([{ outcome }]) => outcome === 'checked-in').length;
    expect(await expectConsistent(event.eventId)).toBe(checkedIn);
    expect(await database.booking.count({ where: { eventId: event.eventId, status: 'CONFIRMED' } })).toBe(checkedIn);
  });

  it('refuses tickets as soon as the event is cancelled, and cancels checked-in bookings with it', async () => {
    const event = await makeEvent(database);
    const about = await book(3, event);
    expect(await allocator.submit(checkInRequest({ ...about, seats: 2 }))).toMatchObject({ outcome: 'checked-in' });
    await saveEventSnapshots(database, [{ ...event, version: 2, status: 'CANCELLED' }]);
    expect(await otherProcess.submit(checkInRequest({ ...about }))).toEqual({
      outcome: 'ticket-cancelled',
      cancelledAt: null,
    });
    const relay = { nudge: () => undefined, requireRoom: () => undefined };
    while (await closeNextEvent({ database, relay, newId: () => newId() }, { isStopping: () => false }));
    expect(await allocator.submit(checkInRequest({ ...about }))).toEqual({
      outcome: 'ticket-cancelled',
      cancelledAt: expect.any(Date),
    });
    expect(await expectConsistent(event.eventId)).toBe(2);
  });

  it('keeps the checked-in seats of an event when others book and cancel', async () => {
    const event = await makeEvent(database);
    const about = await book(2, event);
    await allocator.submit(checkInRequest({ ...about, seats: 2 }));
    const other = await book(1, event);
    await otherProcess.submit(cancelRequest(other));
    await otherProcess.submit({ kind: 'set-capacity', eventId: event.eventId, totalSeats: 50 });
    expect(await expectConsistent(event.eventId)).toBe(2);
  });

  it('is no replay when the answer of its commit was lost', async () => {
    const about = await book(1);
    const transact = driverTransactions(own.pool);
    const { allocateFree } = createBatchAllocation({ transact, newId: () => newId(), waitlist: WAITLIST });
    const request = checkInRequest({ ...about });
    for (const _attempt of [1, 2]) {
      expect(await allocateFree([request])).toMatchObject([{ outcome: 'checked-in', replayed: false }]);
    }
    expect(await expectConsistent(about.eventId)).toBe(1);
  });
});
