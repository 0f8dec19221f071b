import { forbidden } from '#platform/errors/errors.ts';
import type { CommandRequest } from '#platform/identity/identity.ts';
import type { CreateBookingInput } from '../domain/booking-input.ts';
import type { BookOutcome, BookRequest } from '../domain/seat-requests.ts';
import { mayBookFor } from '../policy.ts';
import type { BookingDependencies } from './dependencies.ts';
import { ensureInventories } from './ensure-inventories.ts';

/**
 * Books seats for the caller. Admins may also book for another user if that user exists. Users are never deleted, so a
 * user who exists at the check also exists at the commit.
 * @throws FORBIDDEN when a caller who is not an admin books for another user
 * @throws SERVICE_UNAVAILABLE when an admin books for another user and the user subgraph does not answer
 */
export async function createBooking(
  dependencies: BookingDependencies,
  { caller, requestId, input: { eventId, seatCount, idempotencyKey, userId } }: CommandRequest<CreateBookingInput>,
): Promise<BookOutcome | { readonly outcome: 'unknown-user' }> {
  const { allocator, users, relay, newId } = dependencies;
  const bookedFor = userId ?? caller.userId;
  if (!mayBookFor(caller, bookedFor)) throw forbidden();
  // Callers exist, because the user subgraph has signed their tokens. Only other users are checked.
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
  let outcome = await allocator.submit(request);
  if (outcome.outcome === 'unknown-event') {
    await ensureInventories(dependencies, [eventId]);
    outcome = await allocator.submit(request);
  }
  if (outcome.outcome === 'booked') relay.nudge();
  return outcome;
}
