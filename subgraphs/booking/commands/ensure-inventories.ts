import { isId } from '#platform/errors/validation.ts';
import type { Queued } from '../domain/line.ts';
import type { BookRequest, HoldRequest, OutcomeOf } from '../domain/seat-requests.ts';
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
 * Submits a request for seats to the allocator, through the line of its event if it has one. When the event has no
 * inventory, it creates the inventory and submits the request once more.
 * @param place the caller's place in the line
 * @throws SERVICE_UNAVAILABLE when the event subgraph does not answer
 */
export async function submitForEvent<Request extends BookRequest | HoldRequest>(
  dependencies: Pick<BookingDependencies, 'database' | 'eventFacts' | 'admission'>,
  request: Request,
  place?: string,
): Promise<OutcomeOf<Request> | Queued> {
  const { admission } = dependencies;
  const outcome = await admission.submit(request, place);
  if (outcome.outcome !== 'unknown-event') return outcome;
  await ensureInventories(dependencies, [request.eventId]);
  return admission.submit(request, place);
}
