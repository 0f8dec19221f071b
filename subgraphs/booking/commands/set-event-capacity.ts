import type { CommandRequest } from '#platform/identity/identity.ts';
import type { SetEventCapacityInput } from '../domain/booking-input.ts';
import type { CapacityOutcome } from '../domain/seat-requests.ts';
import type { BookingDependencies } from './dependencies.ts';
import { requireEventRights } from './require-event-rights.ts';

/** Changes the total seats under the lock of bookings. @throws FORBIDDEN unless the caller organizes it or is admin */
export async function setEventCapacity(
  dependencies: BookingDependencies,
  { caller, input: { eventId, totalSeats } }: CommandRequest<SetEventCapacityInput>,
): Promise<CapacityOutcome> {
  if (!(await requireEventRights(dependencies, caller, eventId))) return { outcome: 'unknown-event' };
  const outcome = await dependencies.allocator.submit({ kind: 'set-capacity', eventId, totalSeats });
  // More seats can be offers to the waiting list.
  dependencies.relay.nudge();
  return outcome;
}
