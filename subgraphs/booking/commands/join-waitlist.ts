import type { CommandRequest } from '#platform/identity/identity.ts';
import type { JoinWaitlistInput } from '../domain/booking-input.ts';
import type { JoinOutcome, JoinRequest } from '../domain/seat-requests.ts';
import type { BookingDependencies } from './dependencies.ts';
import { submitForEvent } from './ensure-inventories.ts';

/**
 * Puts the caller at the end of the event's waiting list. Repeating it returns the same entry. It does not wait in the line
 * of the event: a sold-out event lets everybody through anyway.
 */
export async function joinWaitlist(
  dependencies: BookingDependencies,
  { caller, input: { eventId, seatCount } }: CommandRequest<JoinWaitlistInput>,
): Promise<JoinOutcome> {
  const request: JoinRequest = {
    kind: 'join-waitlist',
    entryId: dependencies.newId(),
    eventId,
    userId: caller.userId,
    seatCount,
  };
  return submitForEvent(dependencies, eventId, () => dependencies.allocator.submit(request));
}
