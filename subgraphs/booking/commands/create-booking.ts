import { forbidden } from '#platform/errors/errors.ts';
import type { CommandRequest } from '#platform/identity/identity.ts';
import type { CreateBookingInput } from '../domain/booking-input.ts';
import type { Queued } from '../domain/line.ts';
import type { BookOutcome, BookRequest } from '../domain/seat-requests.ts';
import { mayBookFor } from '../policy.ts';
import type { BookingDependencies } from './dependencies.ts';
import { submitForEvent } from './ensure-inventories.ts';

/**
 * Books seats for the caller. Admins may also book for another user if that user exists. A user may delete their account
 * between this check and the commit, and a deleted user may book until their access token expires. Such a booking counts
 * like others: it holds its seats under the user's id, and an admin can cancel it.
 * @throws FORBIDDEN when a caller who is not an admin books for another user
 * @throws SERVICE_UNAVAILABLE when an admin books for another user and the user subgraph does not answer
 */
export async function createBooking(
  dependencies: BookingDependencies,
  {
    caller,
    requestId,
    input: { eventId, seatCount, idempotencyKey, userId, place },
  }: CommandRequest<CreateBookingInput>,
): Promise<BookOutcome | Queued | { readonly outcome: 'unknown-user' }> {
  const { admission, users, relay, newId } = dependencies;
  const bookedFor = userId ?? caller.userId;
  if (!mayBookFor(caller, bookedFor)) throw forbidden();
  // The user subgraph has signed the caller's token, at most 15 minutes ago. Only other users are checked.
  if (bookedFor !== caller.userId && !(await users.exists(bookedFor))) return { outcome: 'unknown-user' };
  const request: BookRequest = {
    kind: 'book',
    bookingId: newId(),
    eventId,
    userId: bookedFor,
    seatCount,
    callerId: caller.userId,
    idempotencyKey,
    requestId,
  };
  const outcome = await submitForEvent(dependencies, eventId, () => admission.submit(request, place ?? undefined));
  if (outcome.outcome === 'booked') relay.nudge();
  return outcome;
}
