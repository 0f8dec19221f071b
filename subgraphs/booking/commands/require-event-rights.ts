import { forbidden } from '#platform/errors/errors.ts';
import { isId } from '#platform/errors/validation.ts';
import type { Caller } from '#platform/identity/identity.ts';
import { mayRunEvent } from '../policy.ts';
import { findInventories } from '../store/inventories.ts';
import type { BookingDependencies } from './dependencies.ts';
import { ensureInventories } from './ensure-inventories.ts';

/** Returns whether the event exists. @throws FORBIDDEN unless the caller organizes it or is admin */
export async function requireEventRights(
  dependencies: Pick<BookingDependencies, 'database' | 'eventFacts'>,
  caller: Caller,
  eventId: string,
): Promise<boolean> {
  const { database } = dependencies;
  if (!isId(eventId)) return false;
  let [inventory] = await findInventories(database, [eventId]);
  if (inventory === undefined) {
    await ensureInventories(dependencies, [eventId]);
    [inventory] = await findInventories(database, [eventId]);
  }
  if (inventory === undefined) return false;
  if (!mayRunEvent(caller, inventory)) throw forbidden();
  return true;
}
