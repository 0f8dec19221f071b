import { describe, expect, it } from 'vitest';
import { decide } from './allocation.ts';
import { scopedKey } from './draft.ts';
import {
  AFTER,
  BEFORE,
  bookingOf,
  bookOf,
  holdOf,
  holdRequestOf,
  IN_TTL,
  inventory,
  LATER,
  NO_WRITES,
  NOW,
  stateOf,
} from './testing.ts';

const confirm = { kind: 'confirm-hold', holdId: 'h1', eventId: 'concert', requestId: 'r2' } as const;
const release = { kind: 'release-hold', holdId: 'h1', eventId: 'concert', requestId: 'r3' } as const;
const expire = { kind: 'expire-holds', eventId: 'concert' } as const;
/** An event with one hold of two seats. */
const withHold = inventory({ availableSeats: 8, heldSeats: 2, nextHoldExpiresAt: IN_TTL });

describe('deciding a request for a hold', () => {
  it('takes the seats until the time is over', () => {
    const { outcomes, writes } = decide([holdRequestOf()], stateOf([inventory()]));
    expect(outcomes).toEqual([{ outcome: 'held', hold: holdOf(), replayed: false }]);
    expect(writes).toEqual({
      ...NO_WRITES,
      held: [{ hold: holdOf(), request: holdRequestOf() }],
      inventories: [withHold],
    });
  });

  it('ends when the event starts', () => {
    const { outcomes } = decide([holdRequestOf()], stateOf([inventory({ startsAt: AFTER })]));
    expect(outcomes).toMatchObject([{ hold: { expiresAt: AFTER } }]);
  });

  it('keeps the earlier one of two expiries', () => {
    for (const nextHoldExpiresAt of [AFTER, LATER]) {
      const state = stateOf([inventory({ availableSeats: 8, heldSeats: 2, nextHoldExpiresAt })]);
      const { writes } = decide([holdRequestOf()], state);
      const expected = nextHoldExpiresAt === AFTER ? AFTER : IN_TTL;
      expect(writes.inventories).toMatchObject([{ heldSeats: 4, nextHoldExpiresAt: expected }]);
    }
  });

  it.each([
    [{ availableSeats: 1 }, { outcome: 'sold-out', availableSeats: 1 }],
    [{ maxSeatsPerUser: 1 }, { outcome: 'user-limit-reached', maxSeatsPerUser: 1, seatsLeft: 1 }],
    [{ salesStartAt: AFTER }, { outcome: 'sales-not-started', salesStartAt: AFTER }],
    [{ salesEndAt: NOW }, { outcome: 'sales-ended', salesEndAt: NOW }],
    [{ startsAt: NOW }, { outcome: 'not-bookable', reason: 'EVENT_STARTED' }],
    [{ status: 'CANCELLED' as const }, { outcome: 'not-bookable', reason: 'EVENT_CANCELLED' }],
    [{ eventId: 'play' }, { outcome: 'unknown-event' }],
  ])('is refused like a booking for an event with %o', (change, expected) => {
    const { outcomes, writes } = decide([holdRequestOf()], stateOf([inventory(change)]));
    expect(outcomes).toEqual([expected]);
    expect(writes).toEqual(NO_WRITES);
    expect(decide([bookOf()], stateOf([inventory(change)])).outcomes).toEqual([expected]);
  });

  it('counts the held seats of a user towards the limit, for holds and for bookings', () => {
    const limited = inventory({ maxSeatsPerUser: 5, availableSeats: 8, heldSeats: 2, nextHoldExpiresAt: IN_TTL });
    const [second, third] = ['two', 'three'].map((n) => ({ holdId: `h-${n}`, idempotencyKey: `key-${n}` }));
    const { outcomes } = decide(
      [holdRequestOf({ ...second, seatCount: 2 }), holdRequestOf({ ...third, seatCount: 2 }), bookOf()],
      stateOf([limited], { holds: [holdOf()] }),
    );
    expect(outcomes).toMatchObject([{ outcome: 'held' }, { seatsLeft: 1 }, { seatsLeft: 1 }]);
  });

  it.each(['HELD', 'CONFIRMED', 'RELEASED', 'EXPIRED'] as const)('returns the first hold for its key: %s', (status) => {
    const earlier = holdOf({ id: 'h0', status });
    const holdKeys = { [scopedKey('ada', 'key-one')]: earlier };
    const { outcomes, writes } = decide([holdRequestOf()], stateOf([withHold], { holdKeys }));
    expect(outcomes).toEqual([{ outcome: 'held', hold: earlier, replayed: true }]);
    expect(writes).toEqual(NO_WRITES);
  });

  it('does not report its own hold as a replay after a lost commit answer', () => {
    const holdKeys = { [scopedKey('ada', 'key-one')]: holdOf() };
    expect(decide([holdRequestOf()], stateOf([withHold], { holdKeys })).outcomes).toMatchObject([{ replayed: false }]);
  });

  it('holds once for two requests with the same key in one batch', () => {
    const { outcomes, writes } = decide([holdRequestOf(), holdRequestOf({ holdId: 'h2' })], stateOf([inventory()]));
    expect(outcomes).toMatchObject([{ replayed: false }, { hold: { id: 'h1' }, replayed: true }]);
    expect(writes.held).toHaveLength(1);
  });

  it.each([{ eventId: 'play' }, { seatCount: 1 }])('refuses a known key when the request differs in %o', (change) => {
    const holdKeys = { [scopedKey('ada', 'key-one')]: holdOf({ expiresAt: BEFORE }) };
    const state = stateOf([inventory({ eventId: 'play' })], { holdKeys });
    const { outcomes, writes } = decide([holdRequestOf(change)], state);
    expect(outcomes).toEqual([{ outcome: 'key-reused' }]);
    expect(writes).toEqual(NO_WRITES);
  });

  it('has keys of its own: a booking with the same key is another request', () => {
    const { writes } = decide([holdRequestOf(), bookOf()], stateOf([inventory()]));
    expect([writes.held.length, writes.booked.length]).toEqual([1, 1]);
  });
});

describe('deciding a confirmation', () => {
  const booking = bookingOf({ id: 'h1' });

  it('makes a booking with the id of the hold, and changes no other seats', () => {
    const { outcomes, writes } = decide([confirm], stateOf([withHold], { holds: [holdOf()] }));
    expect(outcomes).toEqual([{ outcome: 'confirmed', booking, replayed: false }]);
    expect(writes).toEqual({
      ...NO_WRITES,
      confirmed: [{ booking, request: confirm }],
      ended: [{ hold: holdOf({ status: 'CONFIRMED', endedAt: NOW }), request: confirm }],
      // The next expiry stays. The sweep at this time finds nothing to do.
      inventories: [inventory({ availableSeats: 8, heldSeats: 0, nextHoldExpiresAt: IN_TTL })],
    });
  });

  it('returns the booking again, in the same batch and later, even when it was cancelled or the event is over', () => {
    const { outcomes, writes } = decide([confirm, confirm], stateOf([withHold], { holds: [holdOf()] }));
    expect(outcomes).toMatchObject([{ replayed: false }, { outcome: 'confirmed', booking, replayed: true }]);
    expect(writes.confirmed).toHaveLength(1);
    const state = stateOf([inventory({ startsAt: BEFORE, status: 'CANCELLED' })], {
      holds: [holdOf({ status: 'CONFIRMED', endedAt: BEFORE, expiresAt: BEFORE })],
      bookings: [{ ...booking, status: 'CANCELLED' }],
    });
    expect(decide([confirm], state).outcomes).toMatchObject([{ booking: { status: 'CANCELLED' }, replayed: true }]);
  });

  it('succeeds after the end of the sale and above a new limit, because the user has the seats', () => {
    const later = { ...withHold, salesEndAt: BEFORE, maxSeatsPerUser: 1 };
    const { outcomes } = decide([confirm], stateOf([later], { holds: [holdOf()] }));
    expect(outcomes).toMatchObject([{ outcome: 'confirmed' }]);
  });

  it.each([
    [{ status: 'CANCELLED' as const }, 'EVENT_CANCELLED'],
    [{ startsAt: NOW }, 'EVENT_STARTED'],
  ])('is refused for an event with %o', (change, reason) => {
    const { outcomes, writes } = decide([confirm], stateOf([{ ...withHold, ...change }], { holds: [holdOf()] }));
    expect(outcomes).toEqual([{ outcome: 'not-bookable', reason }]);
    expect(writes).toEqual(NO_WRITES);
  });

  it.each([NOW, BEFORE])('is refused from the time of expiry on, and gives the seats back once', (expiresAt) => {
    const holds = [holdOf({ expiresAt })];
    const { outcomes, writes } = decide([confirm, release, confirm], stateOf([withHold], { holds }));
    const hold = holdOf({ expiresAt, status: 'EXPIRED', endedAt: expiresAt });
    expect(outcomes).toEqual([
      { outcome: 'hold-ended', hold },
      { outcome: 'released', hold },
      { outcome: 'hold-ended', hold },
    ]);
    expect(writes.ended).toEqual([{ hold }]);
    expect(writes.inventories).toMatchObject([{ availableSeats: 10, heldSeats: 0 }]);
  });

  it('is refused after a release', () => {
    const { outcomes } = decide([release, confirm], stateOf([withHold], { holds: [holdOf()] }));
    expect(outcomes).toMatchObject([{ outcome: 'released' }, { outcome: 'hold-ended', hold: { status: 'RELEASED' } }]);
  });

  it('reports a hold that does not exist as unknown', () => {
    expect(decide([confirm, release], stateOf([inventory()])).outcomes).toEqual([
      { outcome: 'unknown-hold' },
      { outcome: 'unknown-hold' },
    ]);
  });
});

describe('deciding a release', () => {
  it('gives the seats back, once', () => {
    const { outcomes, writes } = decide([release, release], stateOf([withHold], { holds: [holdOf()] }));
    const hold = holdOf({ status: 'RELEASED', endedAt: NOW });
    expect(outcomes).toEqual([
      { outcome: 'released', hold },
      { outcome: 'released', hold },
    ]);
    expect(writes.ended).toEqual([{ hold, request: release }]);
    expect(writes.inventories).toEqual([inventory({ nextHoldExpiresAt: IN_TTL })]);
  });

  it('is refused for a confirmed hold', () => {
    const { outcomes } = decide([confirm, release], stateOf([withHold], { holds: [holdOf()] }));
    expect(outcomes[1]).toMatchObject({ outcome: 'hold-confirmed', hold: { status: 'CONFIRMED' } });
  });

  it('frees seats for a later request in the same batch', () => {
    const state = stateOf([{ ...withHold, availableSeats: 0 }], { holds: [holdOf()] });
    expect(decide([release, bookOf()], state).outcomes).toMatchObject([{}, { outcome: 'booked' }]);
  });
});

describe('the expiry of holds', () => {
  const due = [1, 2, 3].map((n) => holdOf({ id: `h${n}`, expiresAt: n === 3 ? AFTER : BEFORE }));
  const full = inventory({ availableSeats: 4, heldSeats: 6, nextHoldExpiresAt: BEFORE });

  it('comes before all requests of a batch, for the seats and for the limit of the user', () => {
    const state = stateOf([{ ...full, availableSeats: 0, totalSeats: 6, maxSeatsPerUser: 6 }], {
      holds: due,
      expiredHolds: { concert: { holds: due.slice(0, 2), nextExpiresAt: AFTER } },
    });
    const { outcomes, writes } = decide([bookOf({ seatCount: 4 })], state);
    expect(outcomes).toMatchObject([{ outcome: 'booked' }]);
    expect(writes.ended.map(({ hold }) => [hold.id, hold.status, hold.endedAt])).toEqual([
      ['h1', 'EXPIRED', BEFORE],
      ['h2', 'EXPIRED', BEFORE],
    ]);
    expect(writes.inventories).toMatchObject([{ availableSeats: 0, heldSeats: 2, nextHoldExpiresAt: AFTER }]);
  });

  it.each([
    [null, false],
    [AFTER, false],
    [NOW, true],
  ])('sets the next expiry to %o, and reports whether it is due', (nextExpiresAt, isDue) => {
    const expiredHolds = { concert: { holds: due.slice(0, 2), nextExpiresAt } };
    const { outcomes, writes } = decide([expire], stateOf([full], { expiredHolds }));
    expect(outcomes).toEqual([{ outcome: 'holds-expired', isDue }]);
    const after = { availableSeats: 8, heldSeats: 2, nextHoldExpiresAt: nextExpiresAt };
    expect(writes.inventories).toEqual([{ ...full, ...after }]);
  });

  it('does nothing else when nothing has expired', () => {
    const expiredHolds = { concert: { holds: [], nextExpiresAt: IN_TTL } };
    const { writes } = decide([expire], stateOf([{ ...withHold, nextHoldExpiresAt: BEFORE }], { expiredHolds }));
    expect(writes).toEqual({ ...NO_WRITES, inventories: [withHold] });
    expect(decide([expire], stateOf([])).outcomes).toEqual([{ outcome: 'holds-expired', isDue: false }]);
  });
});
