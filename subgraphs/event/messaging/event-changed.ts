import type { z } from 'zod';
import { appendToOutbox } from '#platform/outbox/append.ts';
import type { Event } from '../domain/event.ts';
import type { EventTransaction } from '../store/events.ts';
import type { eventFacts, eventMessages } from './contract.ts';

/** Writes the message about an event's new state to the outbox, in the transaction that saves this state. */
export async function publishEventChange(
  transaction: EventTransaction,
  type: keyof typeof eventMessages,
  { event, messageId, requestId }: { event: Event; messageId: string; requestId: string },
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
  const message = { id: messageId, type, subject: event.id, time: event.updatedAt, correlationId: requestId, data };
  await appendToOutbox(transaction, 'event', [message]);
}
