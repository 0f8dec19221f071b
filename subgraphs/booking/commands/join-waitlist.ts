import type { CommandRequest } from '#platform/identity/identity.ts';
import type { JoinWaitlistInput } from '../domain/booking-input.ts';
import type { JoinOutcome, JoinRequest } from '../domain/seat-requests.ts';
import type { BookingDependencies } from './dependencies.ts';
import { ensureInventories } from './ensure-inventories.ts';

/** Puts the caller at the end of the event's waiting list. Repeating it returns the same entry. */
export async function joinWaitlist(
  dependencies: BookingDependencies,
  { caller, input: { eventId, seatCount } }: CommandRequest<JoinWaitlistInput>,
): Promise<JoinOutcome> {
  const { allocator, newId } = dependencies;
  const request: JoinRequest = { kind: 'join-waitlist', entryId: newId(), eventId, userId: caller.userId, seatCount };
  const outcome = await allocator.submit(request);
  if (outcome.outcome !== 'unknown-event') return outcome;
  await ensureInventories(dependencies, [eventId]);
  return allocator.submit(request);
}
