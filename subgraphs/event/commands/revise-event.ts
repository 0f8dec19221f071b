import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { forbidden } from '#platform/errors/errors.ts';
import { isId } from '#platform/errors/validation.ts';
import type { CommandRequest } from '#platform/identity/identity.ts';
import { reviseEvent as decideRevision, type EventChanges, type Revision } from '../domain/event.ts';
import { publishEventChange } from '../messaging/event-changed.ts';
import { mayRevise } from '../policy.ts';
import { lockEvent, saveEvent } from '../store/events.ts';
import type { EventDependencies } from './dependencies.ts';

type ReviseEventInput = { id: string; expectedVersion: number; changes: EventChanges };

/**
 * Changes or cancels an event and writes its message in one transaction. Invalidates the cached state after the commit.
 * @throws FORBIDDEN unless the caller is the organizer or an admin
 */
export async function reviseEvent(
  { database, cache, relay, now, newId }: EventDependencies,
  { caller, requestId, input: { id, expectedVersion, changes } }: CommandRequest<ReviseEventInput>,
): Promise<Revision | { outcome: 'not-found' }> {
  // The database may be unable to compare text that is not an id with the id column.
  if (!isId(id)) return { outcome: 'not-found' };
  relay.requireRoom();
  const result = await database.$transaction(async (transaction) => {
    const event = await lockEvent(transaction, id);
    if (event === null) return { outcome: 'not-found' } as const;
    if (!mayRevise(caller, event)) throw forbidden();
    const revision = decideRevision(event, expectedVersion, { changes, now: now() });
    if (revision.outcome !== 'revised') return revision;
    await saveEvent(transaction, revision.event);
    const message = { event: revision.event, messageId: newId(), requestId };
    if (revision.event.status === 'CANCELLED') await publishEventChange(transaction, 'event.cancelled.v1', message);
    else await publishEventChange(transaction, 'event.updated.v1', { ...message, before: event });
    return revision;
  }, TRANSACTION_LIMITS);
  // After a crash before this line, the cache serves the older state until its TTL ends.
  if (result.outcome === 'revised') {
    await cache.invalidate(id, result.event.version);
    relay.nudge();
  }
  return result;
}
