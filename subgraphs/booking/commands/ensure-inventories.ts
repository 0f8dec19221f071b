import { isId } from '#platform/errors/validation.ts';
import { saveEventSnapshots } from '../store/inventories.ts';
import type { BookingDependencies } from './dependencies.ts';

/**
 * Creates inventories from the event subgraph's facts, for events whose messages have not arrived yet. An event can
 * thus be booked as soon as it is created. Events that do not exist get no inventory.
 * @throws SERVICE_UNAVAILABLE when the event subgraph does not answer
 */
export async function ensureInventories(
  { database, eventFacts }: Pick<BookingDependencies, 'database' | 'eventFacts'>,
  eventIds: readonly string[],
): Promise<void> {
  const wanted = eventIds.filter(isId);
  if (wanted.length === 0) return;
  const facts = await eventFacts.fetch(wanted);
  if (facts.length > 0) await saveEventSnapshots(database, facts);
}

/**
 * Submits a request for an event to the allocator, with or without the line of the event. When the event has no inventory,
 * it creates the inventory and submits the request once more.
 * @throws SERVICE_UNAVAILABLE when the event subgraph does not answer
 */
export async function submitForEvent<Outcome extends { readonly outcome: string }>(
  dependencies: Pick<BookingDependencies, 'database' | 'eventFacts'>,
  eventId: string,
  submit: () => Promise<Outcome>,
): Promise<Outcome> {
  const result = await submit();
  if (result.outcome !== 'unknown-event') return result;
  await ensureInventories(dependencies, [eventId]);
  return submit();
}
