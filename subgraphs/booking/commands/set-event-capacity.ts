import { forbidden } from '#platform/errors/errors.ts';
import { isId } from '#platform/errors/validation.ts';
import type { CommandRequest } from '#platform/identity/identity.ts';
import type { SetEventCapacityInput } from '../domain/booking-input.ts';
import type { CapacityOutcome } from '../domain/seat-requests.ts';
import { maySetCapacity } from '../policy.ts';
import { findInventories } from '../store/inventories.ts';
import type { BookingDependencies } from './dependencies.ts';
import { ensureInventories } from './ensure-inventories.ts';

/** Changes the total seats under the lock of bookings. @throws FORBIDDEN unless the caller organizes it or is admin */
export async function setEventCapacity(
  dependencies: BookingDependencies,
  { caller, input: { eventId, totalSeats } }: CommandRequest<SetEventCapacityInput>,
): Promise<CapacityOutcome> {
  const { database, allocator, relay } = dependencies;
  if (!isId(eventId)) return { outcome: 'unknown-event' };
  let [inventory] = await findInventories(database, [eventId]);
  if (inventory === undefined) {
    await ensureInventories(dependencies, [eventId]);
    [inventory] = await findInventories(database, [eventId]);
  }
  if (inventory === undefined) return { outcome: 'unknown-event' };
  if (!maySetCapacity(caller, inventory)) throw forbidden();
  const outcome = await allocator.submit({ kind: 'set-capacity', eventId, totalSeats });
  // More seats can be offers to the waiting list.
  relay.nudge();
  return outcome;
}
