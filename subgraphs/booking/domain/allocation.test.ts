import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './allocation.ts';
import type { Booking } from './booking.ts';
import { scopedKey, userOfEvent } from './draft.ts';
import type { Inventory } from './inventory.ts';
import type { BookOutcome, BookRequest, CancelRequest, SeatRequest } from './seat-requests.ts';
import {
  AFTER,
  BEFORE,
  bookOf as book,
  bookingOf as booking,
  cancelOf,
  inventory,
  LATER,
  NO_WRITES,
  NOW,
  stateOf,
} from './testing.ts';

describe('deciding a booking request', () => {
  it('takes the seats, and writes the booking and the inventory', () => {
    const { outcomes, writes } = decide([book()], stateOf([inventory()]));
    expect(outcomes).toEqual([{ outcome: 'booked', booking: booking(), replayed: false }]);
    expect(writes.booked.map((one) => one.booking)).toEqual([booking()]);
    expect(writes.inventories).toEqual([inventory({ availableSeats: 8 })]);
  });

  it('refuses more seats than are free, reports the free seats, and writes nothing', () => {
    const { outcomes, writes } = decide([book({ seatCount: 3 })], stateOf([inventory({ availableSeats: 2 })]));
    expect(outcomes).toEqual([{ outcome: 'sold-out', availableSeats: 2 }]);
    expect(writes).toEqual(NO_WRITES);
  });

  it('books a smaller request after a larger one that was refused', () => {
    const batch = [book({ seatCount: 3 }), book({ bookingId: 'b2', idempotencyKey: 'key-two', seatCount: 2 })];
    const { outcomes } = decide(batch, stateOf([inventory({ availableSeats: 2 })]));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['sold-out', 'booked']);
  });

  it.each([
    [{ status: 'CANCELLED' } as const, 'EVENT_CANCELLED'],
    [{ startsAt: NOW }, 'EVENT_STARTED'],
  ])('refuses a booking for an event with %o as %s', (change, reason) => {
    const { outcomes } = decide([book()], stateOf([inventory(change)]));
    expect(outcomes).toEqual([{ outcome: 'not-bookable', reason }]);
  });

  it('reports an event without an inventory as unknown', () => {
    expect(decide([book()], stateOf([])).outcomes).toEqual([{ outcome: 'unknown-event' }]);
  });

  const notStarted = (salesStartAt: Date): BookOutcome => ({ outcome: 'sales-not-started', salesStartAt });
  const ended = (salesEndAt: Date): BookOutcome => ({ outcome: 'sales-ended', salesEndAt });

  it.each([
    [null, null, 'booked'],
    [BEFORE, null, 'booked'],
    [NOW, null, 'booked'],
    [AFTER, null, notStarted(AFTER)],
    [null, BEFORE, ended(BEFORE)],
    [null, NOW, ended(NOW)],
    [null, AFTER, 'booked'],
    [BEFORE, NOW, ended(NOW)],
    [BEFORE, AFTER, 'booked'],
    [NOW, AFTER, 'booked'],
    [AFTER, LATER, notStarted(AFTER)],
  ])('with a sale from %o to %o decides %o, and writes only a booking', (salesStartAt, salesEndAt, expected) => {
    const { outcomes, writes } = decide([book()], stateOf([inventory({ salesStartAt, salesEndAt })]));
    expect(outcomes).toEqual([
      expected === 'booked' ? { outcome: 'booked', booking: booking(), replayed: false } : expected,
    ]);
    expect(writes.booked).toHaveLength(expected === 'booked' ? 1 : 0);
  });

  it.each([
    [{ status: 'CANCELLED' } as const, 'EVENT_CANCELLED'],
    [{ startsAt: NOW }, 'EVENT_STARTED'],
  ])('names %o as the reason, even if no seats are on sale', (change, reason) => {
    for (const sale of [{ salesStartAt: AFTER }, { salesEndAt: BEFORE }]) {
      const { outcomes } = decide([book()], stateOf([inventory({ ...change, ...sale })]));
      expect(outcomes).toEqual([{ outcome: 'not-bookable', reason }]);
    }
  });

  it('returns the earlier booking for a known key, even when the event takes no more bookings', () => {
    const keys = { [scopedKey('ada', 'key-one')]: booking({ id: 'b0' }) };
    const { outcomes, writes } = decide([book()], stateOf([inventory({ status: 'CANCELLED' })], { keys }));
    expect(outcomes).toEqual([{ outcome: 'booked', booking: booking({ id: 'b0' }), replayed: true }]);
    expect(writes.booked).toEqual([]);
  });

  it.each([{ salesStartAt: AFTER }, { salesEndAt: BEFORE }, { maxSeatsPerUser: 2 }])(
    'returns the earlier booking for a known key, even when %o refuses new bookings',
    (rule) => {
      const [earlier, keys] = [booking({ id: 'b0' }), { [scopedKey('ada', 'key-one')]: booking({ id: 'b0' }) }];
      const state = stateOf([inventory(rule)], { bookings: [earlier], keys });
      const { outcomes } = decide([book(), book({ bookingId: 'b2', idempotencyKey: 'key-two' })], state);
      expect(outcomes).toMatchObject([{ outcome: 'booked', booking: earlier, replayed: true }, {}]);
      expect(outcomes[1]?.outcome).not.toBe('booked');
    },
  );

  it('does not report its own booking as a replay after a lost commit answer', () => {
    const keys = { [scopedKey('ada', 'key-one')]: booking() };
    expect(decide([book()], stateOf([inventory()], { keys })).outcomes).toMatchObject([{ replayed: false }]);
  });

  it('books once for two requests with the same key in one batch', () => {
    const { outcomes, writes } = decide([book(), book({ bookingId: 'b2' })], stateOf([inventory()]));
    expect(outcomes).toMatchObject([
      { booking: { id: 'b1' }, replayed: false },
      { booking: { id: 'b1' }, replayed: true },
    ]);
    expect(writes.booked).toHaveLength(1);
  });

  it.each([{ eventId: 'play' }, { seatCount: 1 }, { userId: 'bob' }])(
    'refuses a known key when the request differs in %o',
    (change) => {
      const keys = { [scopedKey('ada', 'key-one')]: booking() };
      const state = stateOf([inventory(), inventory({ eventId: 'play' })], { keys });
      expect(decide([book(change)], state).outcomes).toEqual([{ outcome: 'key-reused' }]);
    },
  );

  it('treats the same key of two callers as two keys', () => {
    const batch = [book(), book({ bookingId: 'b2', callerId: 'bob', userId: 'bob' })];
    expect(decide(batch, stateOf([inventory()])).writes.booked).toHaveLength(2);
  });
});

describe('the limit of seats per user', () => {
  const limited = inventory({ maxSeatsPerUser: 5 });
  const next = (id: string, seatCount: number, change: Partial<BookRequest> = {}) =>
    book({ bookingId: id, idempotencyKey: `key-of-${id}`, seatCount, ...change });

  it('refuses a booking that exceeds it, reports the seats that are left, and writes nothing', () => {
    const state = stateOf([limited], { bookings: [booking({ id: 'b0', seatCount: 3 })] });
    const { outcomes, writes } = decide([next('b1', 3)], state);
    expect(outcomes).toEqual([{ outcome: 'user-limit-reached', maxSeatsPerUser: 5, seatsLeft: 2 }]);
    expect(writes).toEqual(NO_WRITES);
  });

  it('counts the bookings that were accepted earlier in the same batch', () => {
    const { outcomes } = decide([next('b1', 3), next('b2', 3), next('b3', 2), next('b4', 1)], stateOf([limited]));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      'booked',
      'user-limit-reached',
      'booked',
      'user-limit-reached',
    ]);
    expect(outcomes[1]).toMatchObject({ seatsLeft: 2 });
    expect(outcomes[3]).toMatchObject({ seatsLeft: 0 });
  });

  it('counts a cancelled booking no more, also within a batch', () => {
    const bookings = [booking({ id: 'b0', seatCount: 5 }), booking({ id: 'b9', seatCount: 5, status: 'CANCELLED' })];
    const cancel = cancelOf({ bookingId: 'b0' });
    const { outcomes } = decide(
      [next('b1', 1), cancel, cancel, next('b2', 5), next('b3', 1)],
      stateOf([limited], { bookings }),
    );
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      'user-limit-reached',
      'cancelled',
      'cancelled',
      'booked',
      'user-limit-reached',
    ]);
  });

  it('counts the seats of each user at each event separately, whoever books them', () => {
    const batch = [
      next('b1', 5),
      next('b2', 5, { userId: 'bob', callerId: 'bob' }),
      next('b3', 5, { eventId: 'play' }),
      next('b4', 1, { userId: 'bob', callerId: 'admin' }),
    ];
    const { outcomes } = decide(
      batch,
      stateOf([inventory({ maxSeatsPerUser: 5, totalSeats: 30, availableSeats: 30 }), { ...limited, eventId: 'play' }]),
    );
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['booked', 'booked', 'booked', 'user-limit-reached']);
  });

  it('leaves nothing to a user who had more seats before the limit was set', () => {
    const state = stateOf([limited], { bookings: [booking({ id: 'b0', seatCount: 8 })] });
    expect(decide([next('b1', 1)], state).outcomes).toMatchObject([{ seatsLeft: 0 }]);
  });

  it('is the reason of a refusal even when the event is sold out as well', () => {
    const state = stateOf([inventory({ maxSeatsPerUser: 1, availableSeats: 0 })]);
    const { outcomes } = decide([next('b1', 2), next('b2', 1)], state);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['user-limit-reached', 'sold-out']);
  });
});

describe('deciding a cancellation request', () => {
  const cancel = cancelOf();

  it('gives the seats back', () => {
    const { outcomes, writes } = decide(
      [cancel],
      stateOf([inventory({ availableSeats: 8 })], { bookings: [booking()] }),
    );
    const cancelled = booking({ status: 'CANCELLED', cancelledAt: NOW });
    expect(outcomes).toEqual([{ outcome: 'cancelled', booking: cancelled }]);
    expect(writes.inventories).toEqual([inventory()]);
  });

  it('gives the seats back once when the booking is cancelled twice', () => {
    const state = stateOf([inventory({ availableSeats: 8 })], { bookings: [booking()] });
    const { writes } = decide([cancel, cancel], state);
    expect(writes.cancelled).toHaveLength(1);
    expect(writes.inventories).toEqual([inventory()]);
  });

  it('reports a booking that does not exist as unknown', () => {
    expect(decide([cancel], stateOf([inventory()])).outcomes).toEqual([{ outcome: 'unknown-booking' }]);
  });

  it('frees seats for a later request in the same batch', () => {
    const state = stateOf([inventory({ availableSeats: 0 })], { bookings: [booking()] });
    const { outcomes } = decide([cancel, book({ bookingId: 'b2', idempotencyKey: 'key-two' })], state);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['cancelled', 'booked']);
  });
});

describe('the cancellation deadline', () => {
  const closed = (cancellationDeadline: Date) => ({ outcome: 'cancellation-closed', cancellationDeadline }) as const;
  const cancelWith = (change: Partial<Inventory>, request: Partial<CancelRequest> = {}) =>
    decide([cancelOf(request)], stateOf([inventory({ availableSeats: 8, ...change })], { bookings: [booking()] }));

  it.each([
    [null, 'cancelled'],
    [AFTER, 'cancelled'],
    [NOW, closed(NOW)],
    [BEFORE, closed(BEFORE)],
  ] as const)('of %o decides %o for users, and does not apply to admins', (cancellationDeadline, expected) => {
    const cancelled = booking({ status: 'CANCELLED', cancelledAt: NOW });
    const [ofUser, ofAdmin] = [true, false].map((hasDeadline) => cancelWith({ cancellationDeadline }, { hasDeadline }));
    expect(ofUser?.outcomes).toEqual([expected === 'cancelled' ? { outcome: expected, booking: cancelled } : expected]);
    expect(ofUser?.writes.cancelled).toHaveLength(expected === 'cancelled' ? 1 : 0);
    expect(ofUser?.writes.inventories).toHaveLength(expected === 'cancelled' ? 1 : 0);
    expect(ofAdmin?.outcomes).toEqual([{ outcome: 'cancelled', booking: cancelled }]);
  });

  it('does not apply to bookings of a cancelled event', () => {
    const { outcomes } = cancelWith({ cancellationDeadline: BEFORE, status: 'CANCELLED' });
    expect(outcomes).toMatchObject([{ outcome: 'cancelled' }]);
  });

  it('does not refuse to cancel a booking again, and keeps its first reason', () => {
    const cancelled = booking({ status: 'CANCELLED', cancelledAt: BEFORE, cancellationReason: 'ill' });
    const state = stateOf([inventory({ cancellationDeadline: BEFORE })], { bookings: [cancelled] });
    const { outcomes, writes } = decide([cancelOf({ reason: 'late' })], state);
    expect(outcomes).toEqual([{ outcome: 'cancelled', booking: cancelled }]);
    expect(writes).toEqual(NO_WRITES);
  });

  it('keeps the reason of the cancellation', () => {
    const { writes } = cancelWith({}, { reason: 'ill' });
    expect(writes.cancelled).toMatchObject([{ booking: { cancellationReason: 'ill' } }]);
  });
});

describe('deciding a capacity request', () => {
  const resize = (totalSeats: number) => ({ kind: 'set-capacity', eventId: 'concert', totalSeats }) as const;

  it('changes the available seats and keeps the booked seats', () => {
    const { writes } = decide([resize(5)], stateOf([inventory({ availableSeats: 7 })]));
    expect(writes.inventories).toEqual([inventory({ totalSeats: 5, availableSeats: 2 })]);
  });

  it('refuses a capacity below the booked seats, and reports the booked seats', () => {
    const { outcomes, writes } = decide([resize(2)], stateOf([inventory({ availableSeats: 7 })]));
    expect(outcomes).toEqual([{ outcome: 'capacity-below-booked', bookedSeats: 3 }]);
    expect(writes.inventories).toEqual([]);
  });

  it('refuses every capacity for a cancelled event', () => {
    const cancelled = inventory({ status: 'CANCELLED', availableSeats: 7 });
    const { outcomes, writes } = decide([resize(20), resize(2)], stateOf([cancelled]));
    expect(outcomes).toEqual([{ outcome: 'event-cancelled' }, { outcome: 'event-cancelled' }]);
    expect(writes.inventories).toEqual([]);
  });

  it('reports an event without an inventory as unknown', () => {
    expect(decide([resize(2)], stateOf([])).outcomes).toEqual([{ outcome: 'unknown-event' }]);
  });
});

describe('deciding random batches', () => {
  const events = ['concert', 'play'];
  const held = events.flatMap((eventId) =>
    [0, 1, 2].map((i) => booking({ id: `${eventId}-${i}`, eventId, seatCount: 2 })),
  );
  const anyRequest: fc.Arbitrary<SeatRequest> = fc.oneof(
    fc.record({
      kind: fc.constant('book' as const),
      bookingId: fc.uuid(),
      eventId: fc.constantFrom(...events, 'nowhere'),
      userId: fc.constantFrom('ada', 'bob'),
      callerId: fc.constantFrom('ada', 'bob'),
      seatCount: fc.integer({ min: 1, max: 10 }),
      idempotencyKey: fc.constantFrom('k1', 'k2', 'k3', 'k4', 'k5', 'k6'),
      requestId: fc.constant('r'),
    }),
    fc
      .record({
        booking: fc.constantFrom(...held, booking({ id: 'nothing' })),
        hasDeadline: fc.boolean(),
        reason: fc.constantFrom(null, 'ill'),
      })
      .map(({ booking: { id, eventId }, ...more }) => cancelOf({ bookingId: id, eventId, ...more })),
    fc.record({
      kind: fc.constant('set-capacity' as const),
      eventId: fc.constantFrom(...events, 'nowhere'),
      totalSeats: fc.integer({ min: 1, max: 40 }),
    }),
  );

  it('decides each request as if it were alone, for every sales window, limit and deadline', () => {
    const rules = fc.record({
      salesStartAt: fc.constantFrom(null, null, null, NOW, AFTER),
      salesEndAt: fc.constantFrom(null, null, null, NOW, AFTER),
      maxSeatsPerUser: fc.option(fc.integer({ min: 1, max: 12 })),
      cancellationDeadline: fc.constantFrom(null, NOW, AFTER),
    });
    fc.assert(
      fc.property(fc.tuple(rules, rules), fc.array(anyRequest, { maxLength: 30 }), (sales, batch) => {
        let inventories = events.map((eventId, index) =>
          inventory({ eventId, totalSeats: 20, availableSeats: 14, ...sales[index] }),
        );
        const { outcomes } = decide(batch, stateOf(inventories, { bookings: held }));
        let bookings = held;
        const keys: Record<string, Booking> = {};
        for (const [index, request] of batch.entries()) {
          const alone = decide([request], stateOf(inventories, { bookings, keys }));
          expect(outcomes[index]).toEqual(alone.outcomes[0]);
          const { booked, cancelled, inventories: changed } = alone.writes;
          inventories = inventories.map((one) => changed.find(({ eventId }) => eventId === one.eventId) ?? one);
          const gone = new Map(cancelled.map(({ booking: one }) => [one.id, one]));
          bookings = [...bookings.map((one) => gone.get(one.id) ?? one), ...booked.map((one) => one.booking)];
          for (const {
            booking: one,
            request: { callerId, idempotencyKey },
          } of booked)
            keys[scopedKey(callerId, idempotencyKey)] = one;
          for (const { booking: one, request: by } of cancelled) {
            const { cancellationDeadline } = inventories.find(({ eventId }) => eventId === one.eventId) ?? {};
            expect(by.hasDeadline && cancellationDeadline === NOW).toBe(false);
          }
          for (const { booking: one } of booked) {
            const { maxSeatsPerUser } = inventories.find(({ eventId }) => eventId === one.eventId) ?? {};
            const own = bookings.filter(
              (other) => userOfEvent(other) === userOfEvent(one) && other.status === 'CONFIRMED',
            );
            expect(own.reduce((sum, { seatCount }) => sum + seatCount, 0)).toBeLessThanOrEqual(
              maxSeatsPerUser ?? Number.POSITIVE_INFINITY,
            );
          }
        }
      }),
    );
  });

  it('keeps confirmed plus available seats equal to total seats, and never sells more seats than are available', () => {
    const before = events.map((eventId) => inventory({ eventId, totalSeats: 20, availableSeats: 14 }));
    fc.assert(
      fc.property(fc.array(anyRequest, { maxLength: 60 }), (batch) => {
        const { outcomes, writes } = decide(batch, stateOf(before, { bookings: held }));
        expect(outcomes).toHaveLength(batch.length);
        for (const { eventId, totalSeats, availableSeats } of before) {
          const after = writes.inventories.find((one) => one.eventId === eventId) ?? { totalSeats, availableSeats };
          const gone = new Set(writes.cancelled.map(({ booking: { id } }) => id));
          const kept = held.filter((one) => one.eventId === eventId && !gone.has(one.id));
          const made = writes.booked.map((one) => one.booking).filter((one) => one.eventId === eventId);
          const confirmed = [...kept, ...made].reduce((sum, { seatCount }) => sum + seatCount, 0);
          expect(after.availableSeats).toBeGreaterThanOrEqual(0);
          expect(confirmed + after.availableSeats).toBe(after.totalSeats);
        }
      }),
    );
  });
});
