import type { Booking } from './booking.ts';
import type { Inventory } from './inventory.ts';

/** Books all of `seatCount` seats or none. By the id, chosen in advance, a retry recognizes its own booking. */
export interface BookRequest {
  readonly kind: 'book';
  readonly bookingId: string;
  readonly eventId: string;
  readonly userId: string;
  readonly seatCount: number;
  /** The owner of the key: the user, or the admin who books for the user. */
  readonly callerId: string;
  readonly idempotencyKey: string;
  /** The id of the client's request. It becomes the correlation id of the message. */
  readonly requestId: string;
  /** The trace context of the client's request. It becomes that of the message. */
  readonly traceparent?: string | undefined;
}

/** Cancels a booking and gives its seats back. */
export interface CancelRequest {
  readonly kind: 'cancel';
  readonly bookingId: string;
  readonly eventId: string;
  readonly requestId: string;
  readonly traceparent?: string | undefined;
}

export interface CapacityRequest {
  readonly kind: 'set-capacity';
  readonly eventId: string;
  readonly totalSeats: number;
  readonly traceparent?: string | undefined;
}

export type SeatRequest = BookRequest | CancelRequest | CapacityRequest;

export type BookOutcome =
  | { readonly outcome: 'booked'; readonly booking: Booking; readonly replayed: boolean }
  | { readonly outcome: 'sold-out'; readonly availableSeats: number }
  | ClosedOutcome
  /** The user would have more seats than the event allows. `seatsLeft` is the number that the user may still book. */
  | { readonly outcome: 'user-limit-reached'; readonly maxSeatsPerUser: number; readonly seatsLeft: number }
  | { readonly outcome: 'key-reused' }
  | { readonly outcome: 'unknown-event' };

/** The event takes no bookings at this time. */
type ClosedOutcome =
  | { readonly outcome: 'not-bookable'; readonly reason: 'EVENT_CANCELLED' | 'EVENT_STARTED' }
  | { readonly outcome: 'sales-not-started'; readonly salesStartAt: Date }
  | { readonly outcome: 'sales-ended'; readonly salesEndAt: Date };

export type CancelOutcome =
  | { readonly outcome: 'cancelled'; readonly booking: Booking }
  | { readonly outcome: 'unknown-booking' };

export type CapacityOutcome =
  | { readonly outcome: 'capacity-set' }
  | { readonly outcome: 'capacity-below-booked'; readonly bookedSeats: number }
  | { readonly outcome: 'event-cancelled' }
  | { readonly outcome: 'unknown-event' };

export type OutcomeOf<Request extends SeatRequest> = Request extends BookRequest
  ? BookOutcome
  : Request extends CancelRequest
    ? CancelOutcome
    : CapacityOutcome;

/** The data that a decision needs, read while the inventories are locked. */
export interface LockedState {
  /** The time of the database's clock. */
  readonly now: Date;
  readonly inventories: ReadonlyMap<string, Inventory>;
  /** The bookings to cancel, by id. */
  readonly bookings: ReadonlyMap<string, Booking>;
  /** The earlier bookings with the batch's idempotency keys, by `scopedKey`. */
  readonly keys: ReadonlyMap<string, Booking>;
  /** The confirmed seats of the users who book seats of an event with a limit, by `userOfEvent`. Missing: none. */
  readonly userSeats: ReadonlyMap<string, number>;
}

/** The changes to write before the locks are released. */
export interface Writes {
  readonly booked: readonly { readonly booking: Booking; readonly request: BookRequest }[];
  readonly cancelled: readonly { readonly booking: Booking; readonly request: CancelRequest }[];
  readonly inventories: readonly Inventory[];
}

export interface Decision {
  /** One outcome per request, in the batch's order. */
  readonly outcomes: readonly (BookOutcome | CancelOutcome | CapacityOutcome)[];
  readonly writes: Writes;
}

/** Identifies an idempotency key of a caller. The space separates the parts, because a key contains no spaces. */
export const scopedKey = (callerId: string, idempotencyKey: string): string => `${callerId} ${idempotencyKey}`;

/** Identifies a user's seats of an event. */
export const userOfEvent = ({ eventId, userId }: Pick<Booking, 'eventId' | 'userId'>): string => `${eventId} ${userId}`;

/**
 * Decides the requests of a batch in order, as if each had its own transaction. A pure function. For every event,
 * confirmed seats plus available seats stay equal to total seats, and available seats never become negative. No booking
 * gives a user more seats than the event allows. A request for too many seats is refused and does not block later,
 * smaller requests.
 */
export function decide(batch: readonly SeatRequest[], state: LockedState): Decision {
  const inventories = new Map(state.inventories);
  const bookings = new Map(state.bookings);
  const keys = new Map(state.keys);
  const userSeats = new Map(state.userSeats);
  const changedEvents = new Set<string>();
  const booked: { booking: Booking; request: BookRequest }[] = [];
  const cancelled: { booking: Booking; request: CancelRequest }[] = [];

  function setSeats(inventory: Inventory, seats: Pick<Inventory, 'totalSeats' | 'availableSeats'>): void {
    inventories.set(inventory.eventId, { ...inventory, ...seats });
    changedEvents.add(inventory.eventId);
  }

  const userSeatsOf = (booking: Pick<Booking, 'eventId' | 'userId'>) => userSeats.get(userOfEvent(booking)) ?? 0;

  function book(request: BookRequest): BookOutcome {
    const { bookingId, eventId, userId, seatCount } = request;
    const key = scopedKey(request.callerId, request.idempotencyKey);
    const earlier = keys.get(key);
    if (earlier !== undefined) {
      if (!isSameRequest(earlier, request)) return { outcome: 'key-reused' };
      // With the request's own id, an earlier attempt was committed but its answer was lost: this is no replay.
      return { outcome: 'booked', booking: earlier, replayed: earlier.id !== bookingId };
    }
    const inventory = inventories.get(eventId);
    if (inventory === undefined) return { outcome: 'unknown-event' };
    const closed = closedOutcome(inventory, state.now);
    if (closed !== undefined) return closed;
    const { totalSeats, availableSeats, maxSeatsPerUser } = inventory;
    if (maxSeatsPerUser !== null) {
      const seatsLeft = Math.max(0, maxSeatsPerUser - userSeatsOf(request));
      if (seatsLeft < seatCount) return { outcome: 'user-limit-reached', maxSeatsPerUser, seatsLeft };
    }
    if (availableSeats < seatCount) return { outcome: 'sold-out', availableSeats };
    setSeats(inventory, { totalSeats, availableSeats: availableSeats - seatCount });
    const booking: Booking = {
      id: bookingId,
      eventId,
      userId,
      seatCount,
      status: 'CONFIRMED',
      createdAt: state.now,
      cancelledAt: null,
    };
    keys.set(key, booking);
    userSeats.set(userOfEvent(booking), userSeatsOf(booking) + seatCount);
    booked.push({ booking, request });
    return { outcome: 'booked', booking, replayed: false };
  }

  function cancel(request: CancelRequest): CancelOutcome {
    const booking = bookings.get(request.bookingId);
    const inventory = booking && inventories.get(booking.eventId);
    if (booking === undefined || inventory === undefined) return { outcome: 'unknown-booking' };
    if (booking.status === 'CANCELLED') return { outcome: 'cancelled', booking };
    const { totalSeats, availableSeats } = inventory;
    setSeats(inventory, { totalSeats, availableSeats: availableSeats + booking.seatCount });
    const after: Booking = { ...booking, status: 'CANCELLED', cancelledAt: state.now };
    bookings.set(booking.id, after);
    userSeats.set(userOfEvent(booking), userSeatsOf(booking) - booking.seatCount);
    cancelled.push({ booking: after, request });
    return { outcome: 'cancelled', booking: after };
  }

  function setCapacity({ eventId, totalSeats }: CapacityRequest): CapacityOutcome {
    const inventory = inventories.get(eventId);
    if (inventory === undefined) return { outcome: 'unknown-event' };
    if (inventory.status === 'CANCELLED') return { outcome: 'event-cancelled' };
    const bookedSeats = inventory.totalSeats - inventory.availableSeats;
    if (totalSeats < bookedSeats) return { outcome: 'capacity-below-booked', bookedSeats };
    setSeats(inventory, { totalSeats, availableSeats: totalSeats - bookedSeats });
    return { outcome: 'capacity-set' };
  }

  function decideOne(request: SeatRequest): BookOutcome | CancelOutcome | CapacityOutcome {
    switch (request.kind) {
      case 'book':
        return book(request);
      case 'cancel':
        return cancel(request);
      case 'set-capacity':
        return setCapacity(request);
    }
  }

  const outcomes = batch.map(decideOne);
  const changed = [...inventories.values()].filter(({ eventId }) => changedEvents.has(eventId));
  return { outcomes, writes: { booked, cancelled, inventories: changed } };
}

/** Returns why an event takes no bookings at this time. Undefined when it takes bookings. */
function closedOutcome(
  { status, startsAt, salesStartAt, salesEndAt }: Inventory,
  now: Date,
): ClosedOutcome | undefined {
  if (status === 'CANCELLED') return { outcome: 'not-bookable', reason: 'EVENT_CANCELLED' };
  if (startsAt <= now) return { outcome: 'not-bookable', reason: 'EVENT_STARTED' };
  if (salesStartAt !== null && now < salesStartAt) return { outcome: 'sales-not-started', salesStartAt };
  if (salesEndAt !== null && salesEndAt <= now) return { outcome: 'sales-ended', salesEndAt };
  return undefined;
}

const isSameRequest = (booking: Booking, request: BookRequest) =>
  booking.eventId === request.eventId && booking.userId === request.userId && booking.seatCount === request.seatCount;
