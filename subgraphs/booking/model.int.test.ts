import fc from 'fast-check';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Allocator } from './commands/allocator.ts';
import { closeNextEvent } from './commands/close-events.ts';
import type { PrismaClient } from './generated/prisma/client.ts';
import { type EventSnapshot, saveEventSnapshots } from './store/inventories.ts';
import { bookRequest, createBookingTestDatabase, createTestAllocator, makeEvent } from './testing.ts';

const EVENTS = 3;
const SEATS = 6;
const USERS = ['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002'] as const;
const KEYS = ['key-number-1', 'key-number-2', 'key-number-3', 'key-number-4'] as const;
const HOUR_MS = 3_600_000;
/** The sales windows of the events, relative to now. */
const WINDOWS = {
  open: [-HOUR_MS, HOUR_MS],
  'sales-not-started': [HOUR_MS, null],
  'sales-ended': [null, -HOUR_MS],
} as const;
type Window = keyof typeof WINDOWS;

/** A model of the booking rules without a database, short enough to be verified by reading. */
class Model {
  events = Array.from({ length: EVENTS }, () => ({
    total: SEATS,
    cancelled: false,
    window: 'open' as Window,
    limit: null as number | null,
    version: 1,
  }));
  bookings: { event: number; user: string; seats: number; confirmed: boolean }[] = [];
  keys = new Map<string, number>();

  confirmed(event: number, user?: string): number {
    const bookings = this.bookings.filter((one) => one.event === event && one.confirmed);
    const counted = user === undefined ? bookings : bookings.filter((one) => one.user === user);
    return counted.reduce((sum, { seats }) => sum + seats, 0);
  }
  free(event: number): number {
    return (this.events[event]?.total ?? 0) - this.confirmed(event);
  }
  book(event: number, user: string, seats: number, key: string): string {
    const known = this.keys.get(user + key);
    const earlier = known === undefined ? undefined : this.bookings[known];
    if (earlier !== undefined)
      return earlier.event === event && earlier.seats === seats ? `replayed ${known}` : 'key-reused';
    const { cancelled = false, window = 'open', limit = null } = this.events[event] ?? {};
    if (cancelled) return 'not-bookable';
    if (window !== 'open') return window;
    if (limit !== null && this.confirmed(event, user) + seats > limit)
      return `user-limit-reached ${Math.max(0, limit - this.confirmed(event, user))}`;
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
  setSale(event: number, sale: { window: Window; limit: number | null }): void {
    const one = this.events[event];
    if (one !== undefined) Object.assign(one, sale, { version: one.version + 1 });
  }
  close(event: number): void {
    const one = this.events[event];
    if (one !== undefined) Object.assign(one, { cancelled: true, version: one.version + 1 });
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
        if (outcome.outcome === 'user-limit-reached')
          return expect(`user-limit-reached ${outcome.seatsLeft}`).toBe(expected);
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
  async function saveFacts(eventId: string, version: number, changes: Partial<EventSnapshot>): Promise<void> {
    const { status, ...facts } = await database.inventory.findUniqueOrThrow({ where: { eventId } });
    const snapshot = { ...facts, status: status as EventSnapshot['status'], version, initialSeats: SEATS };
    await saveEventSnapshots(database, [{ ...snapshot, ...changes }]);
  }
  const setSale = fc
    .record({
      event,
      window: fc.constantFrom<Window>('open', 'open', 'sales-not-started', 'sales-ended'),
      limit: fc.option(fc.integer({ min: 1, max: SEATS })),
    })
    .map(({ event, window, limit }) =>
      command(`setSale(${event}, ${window}, ${limit})`, async (model, real) => {
        model.setSale(event, { window, limit });
        const [salesStartAt, salesEndAt] = WINDOWS[window].map((ms) =>
          ms === null ? null : new Date(Date.now() + ms),
        );
        const rules = { salesStartAt, salesEndAt, maxSeatsPerUser: limit };
        await saveFacts(real.eventIds[event] ?? '', model.events[event]?.version ?? 0, rules);
      }),
    );
  const close = event.map((event) =>
    command(`close(${event})`, async (model, real) => {
      model.close(event);
      await saveFacts(real.eventIds[event] ?? '', model.events[event]?.version ?? 0, { status: 'CANCELLED' });
      const relay = { nudge: () => undefined, requireRoom: () => undefined };
      while (await closeNextEvent({ database, relay, newId: () => newId() }, { isStopping: () => false }));
    }),
  );

  it(
    'have the same result after every step',
    async () => {
      const commands = fc.commands([book, book, book, cancel, setCapacity, setSale, close], {
        maxCommands: 40,
        size: 'max',
      });
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
