import { isId } from '#platform/errors/validation.ts';
import type { CommandRequest } from '#platform/identity/identity.ts';
import type { CancelOutcome } from '../domain/seat-requests.ts';
import { mayCancel } from '../policy.ts';
import { findBookings } from '../store/find-bookings.ts';
import type { BookingDependencies } from './dependencies.ts';

/** Cancels a booking of the caller. Admins may cancel any booking. Other callers get 'unknown-booking'. */
export async function cancelBooking(
  { database, allocator, relay }: BookingDependencies,
  { caller, requestId, input: { id } }: CommandRequest<{ id: string }>,
): Promise<CancelOutcome> {
  const [booking] = isId(id) ? await findBookings(database, [id]) : [];
  if (booking === undefined || !mayCancel(caller, booking)) return { outcome: 'unknown-booking' };
  if (booking.status === 'CANCELLED') return { outcome: 'cancelled', booking };
  const outcome = await allocator.submit({ kind: 'cancel', bookingId: id, eventId: booking.eventId, requestId });
  relay.nudge();
  return outcome;
}
