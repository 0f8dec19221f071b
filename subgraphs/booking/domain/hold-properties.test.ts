import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './allocation.ts';
import { scopedKey } from './draft.ts';
import type { Hold } from './hold.ts';
import type { SeatRequest } from './seat-requests.ts';
import { BEFORE, bookingOf, bookOf, holdOf, holdRequestOf, IN_TTL, inventory, NOW, stateOf } from './testing.ts';

const confirm = { kind: 'confirm-hold', holdId: 'h1', eventId: 'concert', requestId: 'r2' } as const;
const release = { kind: 'release-hold', holdId: 'h1', eventId: 'concert', requestId: 'r3' } as const;
const expire = { kind: 'expire-holds', eventId: 'concert' } as const;

describe('deciding random batches with holds', () => {
  const EVENTS = ['concert', 'play'];
  const SEATS = 20;
  /** Each event has three holds of two seats: one has expired, one expires now, and one can be confirmed. */
  const before = EVENTS.flatMap((eventId) =>
    [BEFORE, NOW, IN_TTL].map((expiresAt, n) => holdOf({ id: `${eventId}-${n}`, eventId, expiresAt })),
  );
  const anyHold = fc.constantFrom(...before);
  const seats = { eventId: fc.constantFrom(...EVENTS), userId: fc.constantFrom('ada', 'bob') };
  const anyRequest: fc.Arbitrary<SeatRequest> = fc.oneof(
    fc
      .record({ ...seats, id: fc.uuid(), seatCount: fc.integer({ min: 1, max: 8 }), key: fc.nat(5) })
      .map(({ id, key, ...some }) => holdRequestOf({ ...some, holdId: id, idempotencyKey: `k${key}` })),
    fc
      .record({ ...seats, id: fc.uuid(), seatCount: fc.integer({ min: 1, max: 8 }) })
      .map(({ id, ...some }) => bookOf({ ...some, bookingId: id, idempotencyKey: id, callerId: some.userId })),
    anyHold.map(({ id, eventId }) => ({ ...confirm, holdId: id, eventId })),
    anyHold.map(({ id, eventId }) => ({ ...release, holdId: id, eventId })),
    fc.record({
      kind: fc.constant('set-capacity'),
      eventId: seats.eventId,
      totalSeats: fc.integer({ min: 1, max: 40 }),
    }),
    seats.eventId.map((eventId) => ({ ...expire, eventId })),
  );

  it('keeps the sum of the seats and the limits after every request, and ends each hold once', () => {
    const limits = fc.array(fc.option(fc.integer({ min: 6, max: 12 })), { minLength: 2, maxLength: 2 });
    /** How many of the expired holds were read. The sweep can be late. */
    const read = fc.array(fc.option(fc.nat(2)), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(limits, read, fc.array(anyRequest, { maxLength: 30 }), (maxima, counts, batch) => {
        const inventories = EVENTS.map((eventId, index) =>
          inventory({
            eventId,
            totalSeats: SEATS,
            availableSeats: SEATS - 6,
            heldSeats: 6,
            nextHoldExpiresAt: BEFORE,
            maxSeatsPerUser: maxima[index] ?? null,
          }),
        );
        const expiredHolds = Object.fromEntries(
          EVENTS.flatMap((eventId, index) => {
            const count = counts[index];
            if (count == null) return [];
            const all = before.filter((one) => one.eventId === eventId);
            return [[eventId, { holds: all.slice(0, count), nextExpiresAt: all[count]?.expiresAt ?? null }]];
          }),
        );
        const state = stateOf(inventories, { holds: before, expiredHolds });
        for (let length = 0; length <= batch.length; length += 1) {
          const { writes } = decide(batch.slice(0, length), state);
          const endings = writes.ended.map(({ hold: { id } }) => id);
          expect(new Set(endings).size).toBe(endings.length);
          expect(writes.confirmed.map(({ booking: { id } }) => id)).toEqual(
            writes.ended.filter(({ hold: { status } }) => status === 'CONFIRMED').map(({ hold: { id } }) => id),
          );
          expect(writes.confirmed.every(({ booking: { id } }) => id.endsWith('-2'))).toBe(true);
          const stillHeld = [...before, ...writes.held.map(({ hold }) => hold)].filter(
            ({ id }) => !endings.includes(id),
          );
          const confirmed = [...writes.booked, ...writes.confirmed].map(({ booking }) => booking);
          for (const one of inventories) {
            const after = writes.inventories.find(({ eventId }) => eventId === one.eventId) ?? one;
            const sumOf = (all: readonly Pick<Hold, 'eventId' | 'seatCount'>[]) =>
              all.filter(({ eventId }) => eventId === one.eventId).reduce((sum, { seatCount }) => sum + seatCount, 0);
            expect(after.availableSeats).toBeGreaterThanOrEqual(0);
            expect(after.heldSeats).toBe(sumOf(stillHeld));
            expect(sumOf(confirmed) + after.heldSeats + after.availableSeats).toBe(after.totalSeats);
            const next = stillHeld.filter(({ eventId }) => eventId === one.eventId).map(({ expiresAt }) => expiresAt);
            for (const expiresAt of next) expect(after.nextHoldExpiresAt?.getTime()).toBeLessThanOrEqual(+expiresAt);
            for (const user of ['ada', 'bob']) {
              const own = [...stillHeld, ...confirmed].filter(({ userId }) => userId === user);
              expect(sumOf(own)).toBeLessThanOrEqual(one.maxSeatsPerUser ?? Number.POSITIVE_INFINITY);
            }
          }
        }
      }),
    );
  });

  it('decides each request as if it were alone', () => {
    fc.assert(
      fc.property(fc.array(anyRequest, { maxLength: 20 }), (batch) => {
        let inventories = EVENTS.map((eventId) =>
          inventory({ eventId, totalSeats: SEATS, availableSeats: SEATS - 6, heldSeats: 6, nextHoldExpiresAt: BEFORE }),
        );
        const { outcomes } = decide(batch, stateOf(inventories, { holds: before }));
        let [holds, bookings] = [before, [bookingOf()].slice(1)];
        const holdKeys: Record<string, Hold> = {};
        for (const [index, request] of batch.entries()) {
          const alone = decide([request], stateOf(inventories, { holds, bookings, holdKeys }));
          expect(outcomes[index]).toEqual(alone.outcomes[0]);
          const { held, ended, booked, confirmed, inventories: changed } = alone.writes;
          inventories = inventories.map((one) => changed.find(({ eventId }) => eventId === one.eventId) ?? one);
          const endedById = new Map(ended.map(({ hold }) => [hold.id, hold]));
          holds = [...holds, ...held.map(({ hold }) => hold)].map((one) => endedById.get(one.id) ?? one);
          bookings = [...bookings, ...[...booked, ...confirmed].map(({ booking }) => booking)];
          for (const { hold, request } of held) holdKeys[scopedKey(hold.userId, request.idempotencyKey)] = hold;
        }
      }),
    );
  });
});
