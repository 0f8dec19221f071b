import { type Booking, confirmedBooking } from './booking.ts';
import { checkIn } from './check-in-decision.ts';
import { createDraft, type Draft, type LockedState, scopedKey, type Writes } from './draft.ts';
import { confirmHold, expireHolds, holdSeats, releaseHold, reportExpiry } from './hold-decisions.ts';
import type {
  BookOutcome,
  BookRequest,
  CancelOutcome,
  CancelRequest,
  CapacityOutcome,
  CapacityRequest,
  OutcomeOf,
  SeatRequest,
} from './seat-requests.ts';
import { joinWaitlist, leaveWaitlist, serveWaitlist } from './waitlist-decisions.ts';

export interface Decision {
  /** One outcome per request, in the batch's order. */
  readonly outcomes: readonly OutcomeOf<SeatRequest>[];
  readonly writes: Writes;
}

/**
 * Decides the requests of a batch in order, as if each had its own transaction. A pure function. Expired holds give
 * their seats back first. For every event, confirmed, held and available seats together stay equal to total seats, and
 * none of them becomes negative. No booking and no hold gives a user more seats than the event allows. A request for too
 * many seats is refused and does not block later, smaller requests. Seats that become free are offered to the waiting
 * list before the next request is decided. No booking has more checked-in seats than seats, and a booking with checked-in
 * seats is cancelled only with its event.
 */
export function decide(batch: readonly SeatRequest[], state: LockedState): Decision {
  const draft = createDraft(state);
  for (const [eventId, expired] of state.expiredHolds) expireHolds(draft, eventId, expired);
  for (const eventId of state.inventories.keys()) serveWaitlist(draft, eventId);
  const outcomes = batch.map((request) => {
    const outcome = decideOne(draft, request);
    serveWaitlist(draft, request.eventId);
    return outcome;
  });
  return { outcomes, writes: draft.allWrites() };
}

function decideOne(draft: Draft, request: SeatRequest): OutcomeOf<SeatRequest> {
  switch (request.kind) {
    case 'book':
      return book(draft, request);
    case 'cancel':
      return cancel(draft, request);
    case 'set-capacity':
      return setCapacity(draft, request);
    case 'hold':
      return holdSeats(draft, request);
    case 'confirm-hold':
      return confirmHold(draft, request);
    case 'release-hold':
      return releaseHold(draft, request);
    case 'expire-holds':
      return reportExpiry(draft, request);
    case 'join-waitlist':
      return joinWaitlist(draft, request);
    case 'leave-waitlist':
      return leaveWaitlist(draft, request);
    case 'check-in':
      return checkIn(draft, request);
  }
}

function book(draft: Draft, request: BookRequest): BookOutcome {
  const { bookingId, eventId, userId, seatCount } = request;
  const key = scopedKey(request.callerId, request.idempotencyKey);
  const earlier = draft.keys.get(key);
  if (earlier !== undefined) {
    if (!isSameRequest(earlier, request)) return { outcome: 'key-reused' };
    // With the request's own id, an earlier attempt was committed but its answer was lost: this is no replay.
    return { outcome: 'booked', booking: earlier, replayed: earlier.id !== bookingId };
  }
  const found = draft.findSeats(request);
  if ('outcome' in found) return found;
  draft.changeInventory(found.inventory, { availableSeats: found.inventory.availableSeats - seatCount });
  const booking = confirmedBooking({ id: bookingId, eventId, userId, seatCount }, draft.now);
  draft.keys.set(key, booking);
  draft.changeUserSeats(booking, seatCount);
  draft.writes.booked.push({ booking, request });
  return { outcome: 'booked', booking, replayed: false };
}

const isSameRequest = (booking: Booking, request: BookRequest) =>
  booking.eventId === request.eventId && booking.userId === request.userId && booking.seatCount === request.seatCount;

function cancel(draft: Draft, request: CancelRequest): CancelOutcome {
  const booking = draft.bookings.get(request.bookingId);
  const inventory = booking && draft.inventories.get(booking.eventId);
  if (booking === undefined || inventory === undefined) return { outcome: 'unknown-booking' };
  if (booking.status === 'CANCELLED') return { outcome: 'cancelled', booking };
  // Somebody uses these seats. When the event itself is cancelled, nobody does.
  if (booking.checkedInSeats > 0 && inventory.status === 'SCHEDULED') return { outcome: 'booking-checked-in', booking };
  const { cancellationDeadline } = inventory;
  const isLate = cancellationDeadline !== null && cancellationDeadline <= draft.now;
  if (isLate && request.hasDeadline && inventory.status !== 'CANCELLED') {
    return { outcome: 'cancellation-closed', cancellationDeadline };
  }
  draft.changeInventory(inventory, { availableSeats: inventory.availableSeats + booking.seatCount });
  const after: Booking = {
    ...booking,
    status: 'CANCELLED',
    cancelledAt: draft.now,
    cancellationReason: request.reason,
  };
  draft.bookings.set(booking.id, after);
  draft.changeUserSeats(booking, -booking.seatCount);
  draft.writes.cancelled.push({ booking: after, request });
  return { outcome: 'cancelled', booking: after };
}

function setCapacity(draft: Draft, { eventId, totalSeats }: CapacityRequest): CapacityOutcome {
  const inventory = draft.inventories.get(eventId);
  if (inventory === undefined) return { outcome: 'unknown-event' };
  if (inventory.status === 'CANCELLED') return { outcome: 'event-cancelled' };
  // Held seats can become booked ones at any time.
  const bookedSeats = inventory.totalSeats - inventory.availableSeats;
  if (totalSeats < bookedSeats) return { outcome: 'capacity-below-booked', bookedSeats };
  draft.changeInventory(inventory, { totalSeats, availableSeats: totalSeats - bookedSeats });
  return { outcome: 'capacity-set' };
}
