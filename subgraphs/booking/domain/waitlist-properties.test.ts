import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './allocation.ts';
import { userOfEvent } from './draft.ts';
import type { Hold } from './hold.ts';
import type { SeatRequest } from './seat-requests.ts';
import {
  bookingOf,
  bookOf,
  cancelOf,
  entriesFor,
  holdOf,
  IN_TTL,
  joinOf,
  lineOf,
  NOW,
  soldOutFor,
  stateOf,
} from './testing.ts';
import type { Line, WaitlistEntry } from './waitlist.ts';

const SEATS = 10;
const USERS = ['user-1', 'user-2', 'user-3', 'ada'];
const anyEntries = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }).map((counts) => entriesFor(...counts));

/** The line as it is when at most `limit` entries for each number of seats were read. */
function cutLine(waiting: readonly WaitlistEntry[], limit: number): Line {
  const byCount = Map.groupBy(waiting, ({ seatCount }) => seatCount);
  return {
    waiting: waiting.filter((entry) => byCount.get(entry.seatCount)?.slice(0, limit).includes(entry)),
    seatCountMax: Number.POSITIVE_INFINITY,
    cutSeatCounts: new Set([1, 2, 3, 4, 5].filter((count) => (byCount.get(count)?.length ?? 0) >= limit)),
  };
}

/** Who gets the seats: again and again the first entry that fits. */
function firstThatFit(waiting: readonly WaitlistEntry[], freeSeats: number): string[] {
  const next = waiting.find(({ seatCount }) => seatCount <= freeSeats);
  if (next === undefined) return [];
  return [
    next.id,
    ...firstThatFit(
      waiting.filter((one) => one !== next),
      freeSeats - next.seatCount,
    ),
  ];
}

describe('offers to a random waiting list', () => {
  it('go strictly in order among the entries that fit, however many were read', () => {
    fc.assert(
      fc.property(anyEntries, fc.nat(20), fc.integer({ min: 1, max: 4 }), (waiting, freed, limit) => {
        const raise = { kind: 'set-capacity', eventId: 'concert', totalSeats: SEATS + freed } as const;
        const offersWith = (line: Line) => {
          const state = stateOf([soldOutFor(waiting)], { waitlist: { lines: new Map([['concert', line]]) } });
          const { writes } = decide([raise], state);
          return { ids: writes.offered.map(({ entry: { id } }) => id), event: writes.inventories[0] };
        };
        const expected = firstThatFit(waiting, freed);
        expect(offersWith(lineOf(waiting)).ids).toEqual(expected);
        const { ids, event } = offersWith(cutLine(waiting, limit));
        expect(ids).toEqual(expected.slice(0, ids.length));
        // If not all of them were found, the event is due at once.
        if (ids.length < expected.length) expect(event?.nextHoldExpiresAt).toEqual(NOW);
      }),
    );
  });
});

describe('deciding random batches with a waiting list', () => {
  const bookings = [1, 2, 3].map((n) => bookingOf({ id: `b${n}`, userId: `user-${n}`, seatCount: n }));
  const holds = [1, 2].map((n) => holdOf({ id: `h${n}`, userId: 'ada', seatCount: 2 }));
  const user = fc.constantFrom(...USERS);
  const seatCount = fc.integer({ min: 1, max: 5 });
  const anyRequest: fc.Arbitrary<SeatRequest> = fc.oneof(
    fc.record({ user, seatCount, id: fc.uuid() }).map(({ user: userId, id, ...some }) => {
      return bookOf({ ...some, bookingId: id, userId, callerId: userId, idempotencyKey: id });
    }),
    fc
      .record({ user, seatCount, id: fc.uuid() })
      .map(({ user: userId, id, ...some }) => joinOf({ ...some, entryId: id, userId })),
    fc.integer({ min: 1, max: 12 }).map((n) => ({
      kind: 'leave-waitlist' as const,
      entryId: `e${n}`,
      eventId: 'concert',
    })),
    fc.constantFrom(...bookings).map(({ id }) => cancelOf({ bookingId: id })),
    fc.constantFrom(...holds).chain(({ id }) =>
      fc.constantFrom('confirm-hold' as const, 'release-hold' as const).map((kind) => {
        return { kind, holdId: id, eventId: 'concert', requestId: 'r1' };
      }),
    ),
    fc.integer({ min: 6, max: 20 }).map((totalSeats) => ({
      kind: 'set-capacity' as const,
      eventId: 'concert',
      totalSeats,
    })),
  );

  it('keeps the seats, the limit and the order after every request', () => {
    fc.assert(
      fc.property(
        anyEntries,
        fc.option(fc.integer({ min: 4, max: 8 })),
        fc.option(fc.integer({ min: 1, max: 3 })),
        fc.array(anyRequest, { maxLength: 25 }),
        (waiting, maxSeatsPerUser, limit, batch) => {
          const event = soldOutFor(waiting, { maxSeatsPerUser, heldSeats: 4, nextHoldExpiresAt: IN_TTL });
          const state = stateOf([event], {
            bookings,
            holds,
            waitlist: {
              lines: new Map([['concert', limit === null ? lineOf(waiting) : cutLine(waiting, limit)]]),
              entries: new Map(waiting.map((entry) => [entry.id, entry])),
              entriesOfUsers: new Map(waiting.map((entry) => [userOfEvent(entry), entry])),
            },
          });
          for (let length = 0; length <= batch.length; length += 1) {
            const { writes } = decide(batch.slice(0, length), state);
            const after = writes.inventories[0] ?? event;
            const endedIds = writes.endedEntries.map(({ id }) => id);
            expect(new Set(endedIds).size).toBe(endedIds.length);
            const left = [...waiting, ...writes.joined].filter(({ id }) => !endedIds.includes(id));
            expect(after.waitingSeats).toBe(sumOf(left));
            expect(new Set(left.map(({ userId }) => userId)).size).toBe(left.length);
            expect(writes.offered.map(({ entry }) => entry.holdId)).toEqual(
              writes.endedEntries.filter(({ status }) => status === 'OFFERED').map(({ holdId }) => holdId),
            );
            const ended = new Set(writes.ended.map(({ hold: { id } }) => id));
            const held = [...holds, ...writes.offered.map(({ hold }) => hold)].filter(({ id }) => !ended.has(id));
            expect(after.heldSeats).toBe(sumOf(held));
            const cancelled = new Set(writes.cancelled.map(({ booking: { id } }) => id));
            const confirmed = [
              ...bookings,
              ...[...writes.booked, ...writes.confirmed].map((one) => one.booking),
            ].filter(({ id }) => !cancelled.has(id));
            // The bookings of the state are 6 seats, and the holds 4.
            expect(sumOf(confirmed) + after.heldSeats + after.availableSeats).toBe(after.totalSeats);
            expect(after.availableSeats).toBeGreaterThanOrEqual(0);
            const max = maxSeatsPerUser ?? Number.POSITIVE_INFINITY;
            for (const one of USERS) {
              const ownSeats = sumOf([...held, ...confirmed].filter(({ userId }) => userId === one));
              expect(ownSeats).toBeLessThanOrEqual(max);
            }
            // Nobody waits for free seats, unless the event is due at once.
            const isKept = after.waitingSeats > 0 && after.nextHoldExpiresAt?.getTime() === NOW.getTime();
            if (!isKept) for (const entry of left) expect(entry.seatCount).toBeGreaterThan(after.availableSeats);
          }
        },
      ),
    );
  });
});

const sumOf = (all: readonly Pick<Hold, 'seatCount'>[]): number =>
  all.reduce((sum, { seatCount }) => sum + seatCount, 0);
