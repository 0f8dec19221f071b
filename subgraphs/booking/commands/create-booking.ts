import { forbidden } from '#platform/errors.ts';
import type { BookOutcome, BookRequest } from '../domain/allocation.ts';
import type { CreateBookingInput } from '../domain/booking-input.ts';
import { mayBookFor } from '../policy.ts';
import type { BookingDependencies, CommandRequest } from './dependencies.ts';
import { ensureInventories } from './ensure-inventories.ts';

/**
 * Books seats for the caller, or, by an admin, for another user.
 * @throws FORBIDDEN when a user books for another one
 */
export async function createBooking(
  dependencies: BookingDependencies,
  { caller, requestId, input: { eventId, seatCount, idempotencyKey, userId } }: CommandRequest<CreateBookingInput>,
): Promise<BookOutcome> {
  const { allocator, relay, newId } = dependencies;
  const bookedFor = userId ?? caller.userId;
  if (!mayBookFor(caller, bookedFor)) throw forbidden();
  relay.requireRoom();
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
