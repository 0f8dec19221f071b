import fc from 'fast-check';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Allocator } from './commands/allocator.ts';
import { closeNextEvent } from './commands/close-events.ts';
import type { PrismaClient } from './generated/prisma/client.ts';
import { saveEventSnapshots } from './store/inventories.ts';
import { bookRequest, createBookingTestDatabase, createTestAllocator, makeEvent } from './testing.ts';

const EVENTS = 3;
const SEATS = 6;
const USERS = ['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002'] as const;
const KEYS = ['key-number-1', 'key-number-2', 'key-number-3', 'key-number-4'] as const;

/** A model of the booking rules without a database, short enough to be verified by reading. */
class Model {
  events = Array.from({ length: EVENTS }, () => ({ total: SEATS, cancelled: false }));
  bookings: { event: number; user: string; seats: number; confirmed: boolean }[] = [];
  keys = new Map<string, number>();

  free(event: number): number {
    const confirmed = this.bookings.filter((one) => one.event === event && one.confirmed);
    return (this.events[event]?.total ?? 0) - confirmed.reduce((sum, { seats }) => sum + seats, 0);
  }
  book(event: number, user: string, seats: number, key: string): string {
    const known = this.keys.get(user + key);
    const earlier = known === undefined ? undefined : this.bookings[known];
    if (earlier !== undefined)
      return earlier.event === event && earlier.seats === seats ? `replayed ${known}` : 'key-reused';
    if (this.events[event]?.cancelled) return 'not-bookable';
    if (this.free(event) < seats) return 'sold-out';
    this.keys.set(user + key, this.bookings.length);
    this.bookings.push({ event, user, seats, confirmed: true });
    return 'booked';
  }
  cancel(booking: number): void {
    const one = this.bookings[booking];
    if (one !== undefined) one.confirmed = false;
  }
  setCapacity(event: number, total: number): string {
    const one = this.events[event];
    if (one?.cancelled) return 'event-cancelled';
    if (one === undefined || total < one.total - this.free(event)) return 'capacity-below-booked';
    one.total = total;
    return 'capacity-set';
  }
  close(event: number): void {
    const one = this.events[event];
    if (one !== undefined) one.cancelled = true;
    for (const booking of this.bookings) if (booking.event === event) booking.confirmed = false;
  }
}

/** The ids in the real database. Their positions are the numbers that the model uses. */
interface Real {
  eventIds: string[];
  bookingIds: string[];
}

/** The run makes several thousand commits, one after another. */
const RUN_TIMEOUT_MS = 120_000;

describe('random commands on the real database and on a model', () => {
  let test: Awaited<ReturnType<typeof createBookingTestDatabase>>;
  let database: PrismaClient;
  let allocator: Allocator;

  beforeAll(async () => {
    test = await createBookingTestDatabase();
    const own = test.connect();
    database = own.database;
    allocator = createTestAllocator(own.pool);
  });
  afterAll(() => test.remove());

  async function expectSame(model: Model, { eventIds, bookingIds }: Real): Promise<void> {
    const inventories = await database.inventory.findMany({ where: { eventId: { in: eventIds } } });
    const seats = eventIds.map((id) => {
      const { totalSeats, availableSeats } = inventories.find(({ eventId }) => eventId === id) ?? {};
      return { totalSeats, availableSeats };
    });
    expect(seats).toEqual(
      model.events.map(({ total }, event) => ({ totalSeats: total, availableSeats: model.free(event) })),
    );
    const bookings = await database.booking.findMany({ where: { eventId: { in: eventIds } } });
    const rows = bookingIds.map((id) => {
      const { eventId = '', userId, seatCount, status } = bookings.find((one) => one.id === id) ?? {};
      return { event: eventIds.indexOf(eventId), user: userId, seats: seatCount, confirmed: status === 'CONFIRMED' };
    });
    expect(rows).toEqual(model.bookings);
    expect(bookings).toHaveLength(model.bookings.length);
  }

  type Command = fc.AsyncCommand<Model, Real>;
  const command = (name: string, run: (model: Model, real: Real) => Promise<void>): Command => ({
    check: () => true,
    async run(model, real) {
      await run(model, real);
      await expectSame(model, real);
    },
    toString: () => name,
  });

  const event = fc.nat(EVENTS - 1);
  const book = fc
    .record({
      event,
      user: fc.constantFrom(...USERS),
      seats: fc.integer({ min: 1, max: 5 }),
      key: fc.constantFrom(...KEYS),
    })
    .map(({ event, user, seats, key }) =>
      command(`book(${event}, ${user.slice(-1)}, ${seats}, ${key.slice(-1)})`, async (model, real) => {
        const expected = model.book(event, user, seats, key);
        const eventId = real.eventIds[event] ?? '';
        // Keys stay in the database after a run, so each run uses its own keys.
        const idempotencyKey = `${key}-of-${real.eventIds[0]}`;
        const outcome = await allocator.submit(
          bookRequest({ eventId, userId: user, seatCount: seats, idempotencyKey }),
        );
        if (outcome.outcome !== 'booked') return expect(outcome.outcome).toBe(expected);
        if (!outcome.replayed) real.bookingIds.push(outcome.booking.id);
        const number = real.bookingIds.indexOf(outcome.booking.id);
        expect(outcome.replayed ? `replayed ${number}` : 'booked').toBe(expected);
      }),
    );
  const cancel = fc.nat(9).map((booking) =>
    command(`cancel(${booking})`, async (model, real) => {
      const bookingId = real.bookingIds[booking];
      if (bookingId === undefined) return;
      const eventId = real.eventIds[model.bookings[booking]?.event ?? 0] ?? '';
      model.cancel(booking);
      const outcome = await allocator.submit({ kind: 'cancel', bookingId, eventId, requestId: 'test' });
      expect(outcome).toMatchObject({ outcome: 'cancelled', booking: { status: 'CANCELLED' } });
    }),
  );
  const setCapacity = fc.record({ event, total: fc.integer({ min: 1, max: 12 }) }).map(({ event, total }) =>
    command(`setCapacity(${event}, ${total})`, async (model, real) => {
      const expected = model.setCapacity(event, total);
      const eventId = real.eventIds[event] ?? '';
      const { outcome } = await allocator.submit({ kind: 'set-capacity', eventId, totalSeats: total });
      expect(outcome).toBe(expected);
    }),
  );
  const close = event.map((event) =>
    command(`close(${event})`, async (model, real) => {
      model.close(event);
      const { eventId, ...facts } = await database.inventory.findUniqueOrThrow({
        where: { eventId: real.eventIds[event] ?? '' },
      });
      const cancelled = { eventId, ...facts, status: 'CANCELLED', version: 2, initialSeats: SEATS } as const;
      await saveEventSnapshots(database, [cancelled]);
      const relay = { nudge: () => undefined, requireRoom: () => undefined };
      while (await closeNextEvent({ database, relay, newId: () => newId() }, { isStopping: () => false }));
    }),
  );

  it(
    'have the same result after every step',
    async () => {
      const commands = fc.commands([book, book, book, cancel, setCapacity, close], { maxCommands: 40, size: 'max' });
      await fc.assert(
        fc.asyncProperty(commands, async (steps) => {
          const events = await Promise.all(
            Array.from({ length: EVENTS }, () => makeEvent(database, { initialSeats: SEATS })),
          );
          const real: Real = { eventIds: events.map(({ eventId }) => eventId), bookingIds: [] };
          await fc.asyncModelRun(() => ({ model: new Model(), real }), steps);
        }),
        { numRuns: 40, endOnFailure: false },
      );
    },
    RUN_TIMEOUT_MS,
  );
});
