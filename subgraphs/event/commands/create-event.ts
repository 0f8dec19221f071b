import { TRANSACTION_LIMITS } from '#platform/database.ts';
import type { Event } from '../domain/event.ts';
import type { CreateEventRequest } from '../domain/event-input.ts';
import { publishEventChange } from '../messaging/event-changed.ts';
import { insertEvent } from '../store/events.ts';
import type { CommandRequest, EventDependencies } from './dependencies.ts';

/** Creates an event with the caller as its organizer. */
export async function createEvent(
  { database, relay, now, newId }: EventDependencies,
  { caller, requestId, input }: CommandRequest<CreateEventRequest>,
): Promise<Event> {
  const createdAt = now();
  const event: Event = {
    id: newId(),
    name: input.name,
    description: input.description ?? null,
    venue: input.venue ?? null,
    startsAt: input.startsAt,
    status: 'SCHEDULED',
    organizerId: caller.userId,
    initialSeats: input.totalSeats,
    version: 1,
    createdAt,
    updatedAt: createdAt,
  };
  await database.$transaction(async (transaction) => {
    await insertEvent(transaction, event);
    await publishEventChange(transaction, 'event.created.v1', { event, messageId: newId(), requestId });
  }, TRANSACTION_LIMITS);
  relay.nudge();
  return event;
}
