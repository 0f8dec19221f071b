import type { Booking } from './booking.ts';
import { type CheckIn, deviceKeyOf } from './check-in.ts';
import type { Draft } from './draft.ts';
import type { CheckInOutcome, CheckInRequest } from './seat-requests.ts';

/** Checks in all of the wanted seats or none. All check-ins of a booking together never exceed its seats. */
export function checkIn(draft: Draft, request: CheckInRequest): CheckInOutcome {
  const { checkInId: id, bookingId, eventId, deviceKey, seats } = request;
  const booking = draft.bookings.get(bookingId);
  const inventory = draft.inventories.get(eventId);
  if (booking?.eventId !== eventId || inventory === undefined) return { outcome: 'unknown-booking' };
  // The bookings of a cancelled event are cancelled in chunks, so some can still be confirmed.
  if (booking.status === 'CANCELLED' || inventory.status === 'CANCELLED') {
    return { outcome: 'ticket-cancelled', cancelledAt: booking.cancelledAt };
  }
  const earlier = draft.checkIns.get(deviceKeyOf(request));
  if (earlier !== undefined) {
    if (earlier.seats !== seats) return { outcome: 'key-reused' };
    // With the request's own id, an earlier attempt was committed but its answer was lost: this is no replay.
    return { outcome: 'checked-in', checkIn: earlier, booking, replayed: earlier.id !== id };
  }
  const seatsLeft = booking.seatCount - booking.checkedInSeats;
  if (seatsLeft < seats) return { outcome: 'too-many-seats', seatsLeft };
  const made: CheckIn = { id, bookingId, deviceKey, seats, createdAt: draft.now };
  const after: Booking = { ...booking, checkedInSeats: booking.checkedInSeats + seats };
  draft.changeInventory(inventory, { checkedInSeats: inventory.checkedInSeats + seats });
  draft.bookings.set(bookingId, after);
  draft.checkIns.set(deviceKeyOf(made), made);
  draft.writes.checkedIn.push({ checkIn: made, booking: after });
  return { outcome: 'checked-in', checkIn: made, booking: after, replayed: false };
}
