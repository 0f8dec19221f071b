import { expect, it } from 'vitest';
import type { Inventory } from './inventory.ts';
import type { SeatRequest } from './seat-requests.ts';
import {
  AFTER,
  BEFORE,
  bookingOf,
  bookOf,
  cancelOf,
  entriesFor,
  holdOf,
  holdRequestOf,
  inventory,
  joinOf,
  NOW,
  soldOutFor,
  stateOf,
} from './testing.ts';
import { findWantedLines } from './wanted-lines.ts';

const about = { eventId: 'concert', requestId: 'r1' } as const;
const confirm = { kind: 'confirm-hold', holdId: 'h1', ...about } as const;

it.each<[what: string, batch: SeatRequest[], event: Partial<Inventory>, freeSeatsMax: number | null]>([
  ['bookings, holds and joins of a sold-out event', [bookOf(), holdRequestOf(), joinOf()], {}, null],
  ['an event with free seats', [bookOf()], { availableSeats: 2 }, 2],
  ['holds that can have expired', [bookOf()], { heldSeats: 3, nextHoldExpiresAt: NOW }, 3],
  ['a cancellation', [bookOf(), cancelOf()], {}, 4],
  ['a release', [{ kind: 'release-hold', holdId: 'h1', ...about }], {}, 3],
  ['a confirmation', [confirm], {}, null],
  ['a higher capacity', [{ kind: 'set-capacity', totalSeats: 15, ...about }], {}, 5],
  ['a lower capacity', [{ kind: 'set-capacity', totalSeats: 5, ...about }], {}, null],
  ['an event that is not on sale yet', [bookOf()], { availableSeats: 2, salesStartAt: AFTER }, null],
])('for %s: %#', (_what, batch, event, freeSeatsMax) => {
  const state = stateOf([], { bookings: [bookingOf({ seatCount: 4 })], holds: [holdOf({ seatCount: 3 })] });
  const lines = findWantedLines(batch, { ...state, inventories: [soldOutFor(entriesFor(2), event)] });
  expect(lines).toEqual(freeSeatsMax === null ? [] : [{ eventId: 'concert', freeSeatsMax }]);
  expect(findWantedLines(batch, { ...state, inventories: [inventory(event)] })).toEqual([]);
});

it('counts the seats of a confirmation that comes too late', () => {
  const state = stateOf([], { holds: [holdOf({ seatCount: 3, expiresAt: BEFORE })] });
  const inventories = [soldOutFor(entriesFor(2))];
  expect(findWantedLines([confirm], { ...state, inventories })).toEqual([{ eventId: 'concert', freeSeatsMax: 3 }]);
});

it.each([{ salesEndAt: NOW }, { startsAt: NOW }, { status: 'CANCELLED' as const }])(
  'reads a line without free seats when it must end: %o',
  (event) => {
    const inventories = [soldOutFor(entriesFor(2), event)];
    expect(findWantedLines([bookOf()], { ...stateOf([]), inventories })).toEqual([{ eventId: 'concert' }]);
  },
);
