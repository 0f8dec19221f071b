import type { Booking } from './booking.ts';
import { type CheckIn, deviceKeyOf } from './check-in.ts';
import { type ExpiredHolds, type LockedState, userOfEvent, WITHOUT_WAITLIST } from './draft.ts';
import type { Hold } from './hold.ts';
import type { Inventory } from './inventory.ts';
import type { BookRequest, CancelRequest, CheckInRequest, HoldRequest, JoinRequest } from './seat-requests.ts';
import type { Line, WaitlistEntry } from './waitlist.ts';

export const NOW = new Date('2026-11-22T09:30:00.000Z');
export const [BEFORE, AFTER] = [new Date(NOW.getTime() - 1), new Date(NOW.getTime() + 1)] as const;
export const LATER = new Date('2026-11-23T09:30:00.000Z');
/** How long the holds of the tests keep their seats. */
const TTL_SECONDS = 300;
export const IN_TTL = new Date(NOW.getTime() + TTL_SECONDS * 1_000);
/** How long the offers of the tests keep their seats. */
const OFFER_TTL_SECONDS = 3_600;
export const IN_OFFER_TTL = new Date(NOW.getTime() + OFFER_TTL_SECONDS * 1_000);

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
  checkedInSeats: 0,
  nextHoldExpiresAt: null,
  waitingSeats: 0,
  lastWaitlistPlace: 0,
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
    waitlist = {},
    checkIns = [],
  }: {
    bookings?: readonly Booking[];
    keys?: Record<string, Booking>;
    holds?: readonly Hold[];
    holdKeys?: Record<string, Hold>;
    expiredHolds?: Record<string, ExpiredHolds>;
    waitlist?: Partial<Pick<LockedState, 'entries' | 'entriesOfUsers' | 'lines'>>;
    checkIns?: readonly CheckIn[];
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
    ...WITHOUT_WAITLIST,
    ...waitlist,
    offerTtlSeconds: OFFER_TTL_SECONDS,
    newId: numbered('offer'),
    checkIns: new Map(checkIns.map((one) => [deviceKeyOf(one), one])),
  };
}

/** Returns offer-1, offer-2 and so on. */
function numbered(name: string): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `${name}-${count}`;
  };
}

export const NO_WRITES = {
  booked: [],
  cancelled: [],
  held: [],
  confirmed: [],
  ended: [],
  joined: [],
  endedEntries: [],
  offered: [],
  checkedIn: [],
  inventories: [],
};

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
  checkedInSeats: 0,
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

export const joinOf = (change: Partial<JoinRequest> = {}): JoinRequest => ({
  kind: 'join-waitlist',
  entryId: 'e1',
  eventId: 'concert',
  userId: 'ada',
  seatCount: 2,
  ...change,
});

export const entryOf = (change: Partial<WaitlistEntry> = {}): WaitlistEntry => ({
  id: 'e1',
  eventId: 'concert',
  userId: 'ada',
  seatCount: 2,
  place: 1,
  status: 'WAITING',
  createdAt: NOW,
  endedAt: null,
  holdId: null,
  ...change,
});

/** Entries of users of their own, in this order, for these numbers of seats. */
export const entriesFor = (...seatCounts: readonly number[]): WaitlistEntry[] =>
  seatCounts.map((seatCount, index) =>
    entryOf({ id: `e${index + 1}`, userId: `user-${index + 1}`, place: index + 1, seatCount }),
  );

/** The line with all of these entries. */
export const lineOf = (waiting: readonly WaitlistEntry[]): Line => ({
  waiting,
  seatCountMax: Number.POSITIVE_INFINITY,
  cutSeatCounts: new Set(),
});

/** An event without free seats, for which these entries wait. */
export const soldOutFor = (waiting: readonly WaitlistEntry[], change: Partial<Inventory> = {}): Inventory =>
  inventory({
    availableSeats: 0,
    waitingSeats: waiting.reduce((sum, { seatCount }) => sum + seatCount, 0),
    lastWaitlistPlace: waiting.length,
    nextHoldExpiresAt: LATER,
    ...change,
  });

export const checkInOf = (change: Partial<CheckInRequest> = {}): CheckInRequest => ({
  kind: 'check-in',
  checkInId: 'c1',
  bookingId: 'b1',
  eventId: 'concert',
  deviceKey: 'door-one',
  seats: 1,
  ...change,
});
