import type { Booking } from './booking.ts';
import { type ExpiredHolds, type LockedState, userOfEvent } from './draft.ts';
import type { Hold } from './hold.ts';
import type { Inventory } from './inventory.ts';
import type { BookRequest, CancelRequest, HoldRequest } from './seat-requests.ts';

export const NOW = new Date('2026-11-22T09:30:00.000Z');
export const [BEFORE, AFTER] = [new Date(NOW.getTime() - 1), new Date(NOW.getTime() + 1)] as const;
export const LATER = new Date('2026-11-23T09:30:00.000Z');
/** How long the holds of the tests keep their seats. */
const TTL_SECONDS = 300;
export const IN_TTL = new Date(NOW.getTime() + TTL_SECONDS * 1_000);

export const inventory = (change: Partial<Inventory> = {}): Inventory => ({
  eventId: 'concert',
  organizerId: 'olga',
  startsAt: LATER,
  status: 'SCHEDULED',
  salesStartAt: null,
  salesEndAt: null,
  maxSeatsPerUser: null,
  cancellationDeadline: null,
  totalSeats: 10,
  availableSeats: 10,
  heldSeats: 0,
  nextHoldExpiresAt: null,
  ...change,
});

/** The state with these bookings and holds. The seats of users are those of the confirmed bookings and of the holds. */
export function stateOf(
  inventories: readonly Inventory[],
  {
    bookings = [],
    keys = {},
    holds = [],
    holdKeys = {},
    expiredHolds = {},
  }: {
    bookings?: readonly Booking[];
    keys?: Record<string, Booking>;
    holds?: readonly Hold[];
    holdKeys?: Record<string, Hold>;
    expiredHolds?: Record<string, ExpiredHolds>;
  } = {},
): LockedState {
  const userSeats = new Map<string, number>();
  const taken = [
    ...bookings.filter(({ status }) => status === 'CONFIRMED'),
    ...holds.filter(({ status }) => status === 'HELD'),
  ];
  for (const one of taken) userSeats.set(userOfEvent(one), (userSeats.get(userOfEvent(one)) ?? 0) + one.seatCount);
  return {
    now: NOW,
    inventories: new Map(inventories.map((one) => [one.eventId, one])),
    bookings: new Map(bookings.map((one) => [one.id, one])),
    keys: new Map(Object.entries(keys)),
    userSeats,
    holds: new Map(holds.map((one) => [one.id, one])),
    holdKeys: new Map(Object.entries(holdKeys)),
    expiredHolds: new Map(Object.entries(expiredHolds)),
  };
}

export const NO_WRITES = { booked: [], cancelled: [], held: [], confirmed: [], ended: [], inventories: [] };

export const bookOf = (change: Partial<BookRequest> = {}): BookRequest => ({
  kind: 'book',
  bookingId: 'b1',
  eventId: 'concert',
  userId: 'ada',
  seatCount: 2,
  callerId: 'ada',
  idempotencyKey: 'key-one',
  requestId: 'r1',
  ...change,
});

export const cancelOf = (change: Partial<CancelRequest> = {}): CancelRequest => ({
  kind: 'cancel',
  bookingId: 'b1',
  eventId: 'concert',
  hasDeadline: true,
  reason: null,
  requestId: 'r2',
  ...change,
});

export const bookingOf = (change: Partial<Booking> = {}): Booking => ({
  id: 'b1',
  eventId: 'concert',
  userId: 'ada',
  seatCount: 2,
  status: 'CONFIRMED',
  createdAt: NOW,
  cancelledAt: null,
  cancellationReason: null,
  ...change,
});

export const holdRequestOf = (change: Partial<HoldRequest> = {}): HoldRequest => ({
  kind: 'hold',
  holdId: 'h1',
  eventId: 'concert',
  userId: 'ada',
  seatCount: 2,
  idempotencyKey: 'key-one',
  ttlSeconds: TTL_SECONDS,
  requestId: 'r1',
  ...change,
});

export const holdOf = (change: Partial<Hold> = {}): Hold => ({
  id: 'h1',
  eventId: 'concert',
  userId: 'ada',
  seatCount: 2,
  status: 'HELD',
  createdAt: NOW,
  expiresAt: IN_TTL,
  endedAt: null,
  ...change,
});
