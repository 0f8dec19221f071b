import { describe, expect, it } from 'vitest';
import { decide } from './allocation.ts';
import { userOfEvent } from './draft.ts';
import type { Inventory } from './inventory.ts';
import type { SeatRequest } from './seat-requests.ts';
import {
  AFTER,
  BEFORE,
  bookingOf,
  bookOf,
  cancelOf,
  entriesFor,
  entryOf,
  holdOf,
  holdRequestOf,
  IN_OFFER_TTL,
  IN_TTL,
  inventory,
  joinOf,
  LATER,
  lineOf,
  NO_WRITES,
  NOW,
  soldOutFor,
  stateOf,
} from './testing.ts';
import type { Line, WaitlistEntry } from './waitlist.ts';

const leave = { kind: 'leave-waitlist', entryId: 'e1', eventId: 'concert' } as const;
const cancel = cancelOf();
const soldOut = inventory({ availableSeats: 0 });
const DUE_AT_START = { nextHoldExpiresAt: LATER };

const waits = (entry: WaitlistEntry) => ({ entriesOfUsers: new Map([[userOfEvent(entry), entry]]) });

describe('deciding a request to join the waiting list', () => {
  it('puts the user at the end, and makes the event due at the end of the sale', () => {
    const state = stateOf([{ ...soldOut, waitingSeats: 3, lastWaitlistPlace: 7 }]);
    const { outcomes, writes } = decide([joinOf()], state);
    const entry = entryOf({ place: 8 });
    expect(outcomes).toEqual([{ outcome: 'joined', entry, replayed: false }]);
    const after = { ...soldOut, ...DUE_AT_START, waitingSeats: 5, lastWaitlistPlace: 8 };
    expect(writes).toEqual({ ...NO_WRITES, joined: [entry], inventories: [after] });
    const early = stateOf([{ ...soldOut, salesEndAt: IN_TTL, nextHoldExpiresAt: LATER }]);
    expect(decide([joinOf()], early).writes.inventories).toMatchObject([{ nextHoldExpiresAt: IN_TTL }]);
  });

  it.each([
    [{ availableSeats: 2 }, { outcome: 'seats-available', availableSeats: 2 }],
    [{ maxSeatsPerUser: 1 }, { outcome: 'user-limit-reached', maxSeatsPerUser: 1, seatsLeft: 1 }],
    [{ salesStartAt: AFTER }, { outcome: 'sales-not-started', salesStartAt: AFTER }],
    [{ salesEndAt: NOW }, { outcome: 'sales-ended', salesEndAt: NOW }],
    [{ startsAt: NOW }, { outcome: 'not-bookable', reason: 'EVENT_STARTED' }],
    [{ status: 'CANCELLED' as const }, { outcome: 'not-bookable', reason: 'EVENT_CANCELLED' }],
    [{ eventId: 'play' }, { outcome: 'unknown-event' }],
  ])('is refused for an event with %o', (change, expected) => {
    const { outcomes, writes } = decide([joinOf()], stateOf([{ ...soldOut, ...change }]));
    expect(outcomes).toEqual([expected]);
    expect(writes).toEqual(NO_WRITES);
  });

  it('waits for more seats than are free', () => {
    const { outcomes } = decide([joinOf()], stateOf([{ ...soldOut, availableSeats: 1 }]));
    expect(outcomes).toMatchObject([{ outcome: 'joined', entry: { seatCount: 2 } }]);
  });

  it('returns the entry again for as many seats, and refuses another number', () => {
    const { outcomes, writes } = decide(
      [joinOf(), joinOf({ entryId: 'e2' }), joinOf({ entryId: 'e3', seatCount: 1 })],
      stateOf([soldOut]),
    );
    const entry = entryOf();
    expect(outcomes).toEqual([
      { outcome: 'joined', entry, replayed: false },
      { outcome: 'joined', entry, replayed: true },
      { outcome: 'already-waiting', entry },
    ]);
    expect(writes.joined).toEqual([entry]);
    const known = stateOf([soldOutFor([entry])], { waitlist: waits(entry) });
    expect(decide([joinOf({ entryId: 'e2' })], known).outcomes).toEqual([{ outcome: 'joined', entry, replayed: true }]);
    // The answer of its own commit was lost.
    expect(decide([joinOf()], known).outcomes).toMatchObject([{ replayed: false }]);
  });

  it('returns the entry while its offer is open, and makes a new one afterwards', () => {
    const entry = entryOf({ status: 'OFFERED', holdId: 'h1', endedAt: BEFORE });
    const full = { ...soldOut, heldSeats: 2, nextHoldExpiresAt: IN_TTL };
    const open = stateOf([full], { waitlist: waits(entry) });
    expect(decide([joinOf({ entryId: 'e2' })], open).outcomes).toMatchObject([{ entry, replayed: true }]);
    const confirm = { kind: 'confirm-hold', holdId: 'h1', eventId: 'concert', requestId: 'r1' } as const;
    const confirmed = stateOf([full], { holds: [holdOf()], waitlist: waits(entry) });
    expect(decide([confirm, joinOf({ entryId: 'e2' })], confirmed).outcomes[1]).toMatchObject({
      entry: { id: 'e2', status: 'WAITING' },
      replayed: false,
    });
  });
});

describe('deciding a request to leave the waiting list', () => {
  const [entry = entryOf(), ...others] = entriesFor(2, 1);
  const full = soldOutFor([entry, ...others]);

  it('ends the waiting, once', () => {
    const state = stateOf([full], { waitlist: { entries: new Map([[entry.id, entry]]) } });
    const { outcomes, writes } = decide([leave, leave], state);
    const left = { ...entry, status: 'LEFT', endedAt: NOW };
    expect(outcomes).toEqual([
      { outcome: 'left', entry: left },
      { outcome: 'left', entry: left },
    ]);
    expect(writes).toEqual({ ...NO_WRITES, endedEntries: [left], inventories: [{ ...full, waitingSeats: 1 }] });
  });

  it('is refused for an offer, and reports an unknown entry', () => {
    const offered = { ...entry, status: 'OFFERED' as const, holdId: 'h1', endedAt: BEFORE };
    const state = stateOf([soldOut], { waitlist: { entries: new Map([[entry.id, offered]]) } });
    expect(decide([leave, { ...leave, entryId: 'e9' }], state).outcomes).toEqual([
      { outcome: 'seats-offered', holdId: 'h1' },
      { outcome: 'unknown-entry' },
    ]);
  });

  it('does not get seats that become free later in the batch', () => {
    const state = stateOf([full], {
      bookings: [bookingOf()],
      waitlist: { entries: new Map([[entry.id, entry]]), lines: new Map([['concert', lineOf([entry, ...others])]]) },
    });
    const { writes } = decide([leave, cancel], state);
    expect(writes.offered.map(({ hold }) => hold.userId)).toEqual(['user-2']);
    expect(writes.inventories).toMatchObject([{ availableSeats: 1, heldSeats: 1, waitingSeats: 0 }]);
  });
});

describe('seats that become free', () => {
  const seatsTo = (
    waiting: readonly WaitlistEntry[],
    batch: readonly SeatRequest[],
    {
      event = {},
      line = {},
      bookings = [bookingOf({ seatCount: 4 })],
    }: Partial<{
      event: Partial<Inventory>;
      line: Partial<Line>;
      bookings: ReturnType<typeof bookingOf>[];
    }> = {},
  ) => {
    const lines = new Map([['concert', { ...lineOf(waiting), ...line }]]);
    const { outcomes, writes } = decide(
      batch,
      stateOf([soldOutFor(waiting, event)], { bookings, waitlist: { lines } }),
    );
    return { outcomes, writes, users: writes.offered.map(({ hold }) => hold.userId) };
  };

  it('are held for the first entry whose number fits, with a message and until the end of the offer', () => {
    const waiting = entriesFor(5, 3, 3, 1);
    const { writes } = seatsTo(waiting, [cancel]);
    const holds = [2, 4].map((number, index) =>
      holdOf({
        id: `offer-${index + 1}`,
        userId: `user-${number}`,
        seatCount: waiting[number - 1]?.seatCount ?? 0,
        expiresAt: IN_OFFER_TTL,
      }),
    );
    expect(writes.offered.map(({ hold }) => hold)).toEqual(holds);
    expect(writes.endedEntries).toEqual(
      [1, 3].map((index, number) => ({
        ...waiting[index],
        status: 'OFFERED',
        endedAt: NOW,
        holdId: `offer-${number + 1}`,
      })),
    );
    expect(writes.inventories).toEqual([
      soldOutFor(waiting, { heldSeats: 4, waitingSeats: 8, nextHoldExpiresAt: IN_OFFER_TTL }),
    ]);
  });

  it.each([
    ['the end of the sale', { salesEndAt: IN_TTL }],
    ['the start of the event', { startsAt: IN_TTL }],
  ])('are held at most until %s', (_what, event) => {
    const { writes } = seatsTo(entriesFor(4), [cancel], { event });
    expect(writes.offered).toMatchObject([{ hold: { expiresAt: IN_TTL } }]);
  });

  it('are not for others, whichever way they become free', () => {
    const hold = holdOf({ seatCount: 4 });
    const waiting = entriesFor(4);
    const take = [bookOf({ bookingId: 'b9', seatCount: 1 }), holdRequestOf({ seatCount: 1 })];
    const ways: [SeatRequest, Partial<Inventory>][] = [
      [cancel, {}],
      [{ kind: 'set-capacity', eventId: 'concert', totalSeats: 14 }, {}],
      [{ kind: 'release-hold', holdId: 'h1', eventId: 'concert', requestId: 'r1' }, { heldSeats: 4 }],
    ];
    for (const [way, event] of ways) {
      const state = stateOf([soldOutFor(waiting, event)], {
        bookings: [bookingOf({ seatCount: 4 })],
        holds: [hold],
        waitlist: { lines: new Map([['concert', lineOf(waiting)]]) },
      });
      const { outcomes, writes } = decide([way, ...take], state);
      expect(outcomes.slice(1)).toEqual(take.map(() => ({ outcome: 'sold-out', availableSeats: 0 })));
      expect(writes.offered.map(({ entry }) => entry.id)).toEqual(['e1']);
    }
  });

  it('are offered when a hold expires, before the first request, and again when the offer expires', () => {
    const due = [holdOf({ seatCount: 3, expiresAt: BEFORE })];
    const waiting = entriesFor(3, 3);
    const state = stateOf([soldOutFor(waiting, { heldSeats: 3, nextHoldExpiresAt: BEFORE })], {
      holds: due,
      expiredHolds: { concert: { holds: due, nextExpiresAt: null } },
      waitlist: { lines: new Map([['concert', lineOf(waiting)]]) },
    });
    const { outcomes, writes } = decide([bookOf({ seatCount: 1 })], state);
    expect(outcomes).toEqual([{ outcome: 'sold-out', availableSeats: 0 }]);
    expect(writes.offered.map(({ entry }) => entry.id)).toEqual(['e1']);
    expect(writes.inventories).toMatchObject([{ heldSeats: 3, nextHoldExpiresAt: IN_OFFER_TTL }]);
  });

  it('stay free for everybody if they fit nobody', () => {
    const { outcomes, users } = seatsTo(entriesFor(5, 6), [cancel, bookOf({ bookingId: 'b9', seatCount: 1 })]);
    expect(users).toEqual([]);
    expect(outcomes).toMatchObject([{}, { outcome: 'booked' }]);
  });

  it('pass an entry over whose user would have too many seats, and end it', () => {
    const waiting = entriesFor(2, 2);
    const bookings = [bookingOf({ seatCount: 2 }), bookingOf({ id: 'b2', userId: 'user-1', seatCount: 3 })];
    const { writes, users } = seatsTo(waiting, [cancel], { event: { maxSeatsPerUser: 4 }, bookings });
    expect(users).toEqual(['user-2']);
    expect(writes.endedEntries).toMatchObject([
      { id: 'e1', status: 'ENDED', holdId: null },
      { id: 'e2', status: 'OFFERED' },
    ]);
    expect(writes.inventories).toMatchObject([{ availableSeats: 0, waitingSeats: 0 }]);
  });

  it('are kept from others while entries that were not read can fit, and the event is due at once', () => {
    const take = bookOf({ bookingId: 'b9', seatCount: 1 });
    const unread = seatsTo([], [cancel, take], { event: { waitingSeats: 4 }, line: { seatCountMax: 0 } });
    expect(unread.outcomes[1]).toEqual({ outcome: 'sold-out', availableSeats: 0 });
    expect(unread.writes.inventories).toMatchObject([{ availableSeats: 4, nextHoldExpiresAt: NOW }]);
    const waiting = entriesFor(1, 2);
    const cut = seatsTo(waiting, [cancel, take], { event: { waitingSeats: 9 }, line: { cutSeatCounts: new Set([1]) } });
    // After the only entry for one seat that was read, the next one could come before the entry for two.
    expect(cut.users).toEqual(['user-1']);
    expect(cut.outcomes[1]).toEqual({ outcome: 'sold-out', availableSeats: 0 });
    expect(cut.writes.inventories).toMatchObject([{ availableSeats: 3, nextHoldExpiresAt: NOW }]);
  });

  it('are free for others again when the entries that were not read have left', () => {
    const [entry = entryOf()] = entriesFor(4);
    const state = stateOf([soldOutFor([entry])], {
      bookings: [bookingOf({ seatCount: 4 })],
      waitlist: { entries: new Map([[entry.id, entry]]) },
    });
    const take = (bookingId: string) => bookOf({ bookingId, idempotencyKey: bookingId, seatCount: 1 });
    expect(decide([cancel, take('b8'), leave, take('b9')], state).outcomes).toMatchObject([
      { outcome: 'cancelled' },
      { outcome: 'sold-out', availableSeats: 0 },
      { outcome: 'left' },
      { outcome: 'booked' },
    ]);
  });

  it('do not go to a user who joined in this batch before entries that were not read', () => {
    const { writes } = seatsTo(entriesFor(1), [joinOf({ entryId: 'e9', seatCount: 1 }), cancel], {
      event: { waitingSeats: 3 },
      line: { cutSeatCounts: new Set([1]) },
    });
    expect(writes.offered.map(({ entry }) => entry.id)).toEqual(['e1']);
    expect(writes.inventories).toMatchObject([{ availableSeats: 3, waitingSeats: 3, nextHoldExpiresAt: NOW }]);
  });

  it('go to a user who joined in this batch', () => {
    const state = stateOf([soldOut], { bookings: [bookingOf()] });
    const { writes } = decide([joinOf(), cancel], state);
    expect(writes.joined).toMatchObject([{ id: 'e1', status: 'WAITING' }]);
    expect(writes.endedEntries).toMatchObject([{ id: 'e1', status: 'OFFERED', holdId: 'offer-1' }]);
    expect(writes.inventories).toMatchObject([{ availableSeats: 0, heldSeats: 2, waitingSeats: 0 }]);
  });
});

describe('the end of a waiting list', () => {
  const expire = { kind: 'expire-holds', eventId: 'concert' } as const;
  const waiting = entriesFor(2, 3);

  it.each([
    ['the sale has ended', { salesEndAt: NOW }],
    ['the event has started', { startsAt: NOW }],
    ['the event was cancelled', { status: 'CANCELLED' as const }],
  ])('comes when %s, without an offer', (_what, event) => {
    const state = stateOf([soldOutFor(waiting, { availableSeats: 5, ...event })], {
      waitlist: { lines: new Map([['concert', lineOf(waiting)]]) },
    });
    const { outcomes, writes } = decide([expire], state);
    expect(outcomes).toEqual([{ outcome: 'holds-expired', isDue: false }]);
    expect(writes.offered).toEqual([]);
    expect(writes.endedEntries).toEqual(waiting.map((entry) => ({ ...entry, status: 'ENDED', endedAt: NOW })));
    expect(writes.inventories).toMatchObject([{ waitingSeats: 0, availableSeats: 5 }]);
  });

  it('goes on at once while there are more entries', () => {
    const state = stateOf([soldOutFor(waiting, { salesEndAt: NOW, waitingSeats: 9 })], {
      waitlist: { lines: new Map([['concert', { ...lineOf(waiting), seatCountMax: 0 }]]) },
    });
    const { outcomes, writes } = decide([expire], state);
    expect(outcomes).toEqual([{ outcome: 'holds-expired', isDue: true }]);
    expect(writes.inventories).toMatchObject([{ waitingSeats: 4, nextHoldExpiresAt: NOW }]);
  });

  it('does not come before the sale starts, which makes the event due', () => {
    const state = stateOf([soldOutFor(waiting, { salesStartAt: AFTER, availableSeats: 5 })]);
    const { writes } = decide([expire], state);
    expect(writes).toEqual({
      ...NO_WRITES,
      inventories: [soldOutFor(waiting, { salesStartAt: AFTER, availableSeats: 5, nextHoldExpiresAt: AFTER })],
    });
  });
});
