import { isId } from '#platform/errors/validation.ts';
import { isAdmin } from '#platform/identity/authorization.ts';
import type { CommandRequest } from '#platform/identity/identity.ts';
import type { CancelBookingInput } from '../domain/booking-input.ts';
import type { CancelOutcome } from '../domain/seat-requests.ts';
import { mayCancel } from '../policy.ts';
import { findBookings } from '../store/find-bookings.ts';
import type { BookingDependencies } from './dependencies.ts';

/**
 * Cancels a booking of the caller until the event's cancellation deadline. Admins may cancel any booking at any time.
 * Other callers get 'unknown-booking'.
 */
export async function cancelBooking(
  { database, allocator, relay }: BookingDependencies,
  { caller, requestId, input: { id, reason } }: CommandRequest<CancelBookingInput>,
): Promise<CancelOutcome> {
  const [booking] = isId(id) ? await findBookings(database, [id]) : [];
  if (booking === undefined || !mayCancel(caller, booking)) return { outcome: 'unknown-booking' };
  if (booking.status === 'CANCELLED') return { outcome: 'cancelled', booking };
  const outcome = await allocator.submit({
    kind: 'cancel',
    bookingId: id,
    eventId: booking.eventId,
    hasDeadline: !isAdmin(caller),
    reason: reason ?? null,
    requestId,
  });
  relay.nudge();
  return outcome;
}
