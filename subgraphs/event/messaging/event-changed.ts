import type { z } from 'zod';
import { appendToOutbox } from '#platform/outbox/append.ts';
import type { Event } from '../domain/event.ts';
import type { EventTransaction } from '../store/events.ts';
import type { eventFacts, eventMessages } from './contract.ts';

/**
 * Writes the message about an event's new state to the outbox, in the transaction that saves this state. The message
 * event.updated needs the state before the change.
 */
export async function publishEventChange(
  transaction: EventTransaction,
  type: keyof typeof eventMessages,
  { event, before, messageId, requestId }: { event: Event; before?: Event; messageId: string; requestId: string },
): Promise<void> {
  const data: z.input<typeof eventFacts> = {
    eventId: event.id,
    name: event.name,
    venue: event.venue,
    startsAt: event.startsAt.toISOString(),
    status: event.status,
    organizerId: event.organizerId,
    initialSeats: event.initialSeats,
    version: event.version,
    salesStartAt: event.salesStartAt?.toISOString() ?? null,
    salesEndAt: event.salesEndAt?.toISOString() ?? null,
    maxSeatsPerUser: event.maxSeatsPerUser,
    cancellationDeadline: event.cancellationDeadline?.toISOString() ?? null,
    cancellationReason: event.cancellationReason,
    timeZone: event.timeZone,
  };
  const message = { id: messageId, type, subject: event.id, time: event.updatedAt, correlationId: requestId };
  const content = before === undefined ? data : { ...data, ...previousFacts(event, before) };
  await appendToOutbox(transaction, 'event', [{ ...message, data: content }]);
}

/** Returns the start and venue before a change. Null: both are the same. */
function previousFacts(event: Event, before: Event) {
  const isSame = before.startsAt.getTime() === event.startsAt.getTime() && before.venue === event.venue;
  return isSame
    ? { previousStartsAt: null, previousVenue: null }
    : { previousStartsAt: before.startsAt.toISOString(), previousVenue: before.venue };
}
