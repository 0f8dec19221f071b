import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';

/** Where the event subgraph's messages are kept. */
export const eventStream: StreamDefinition = { name: 'EVENTS', subjects: ['event.>'] };

/** The whole state of an event at a version: a consumer keeps the highest version that it has seen. */
export const eventFacts = z.object({
  eventId: z.uuid(),
  name: z.string(),
  venue: z.string().nullable(),
  startsAt: z.iso.datetime().transform((value) => new Date(value)),
  status: z.enum(['SCHEDULED', 'CANCELLED']),
  organizerId: z.uuid(),
  initialSeats: z.int().positive(),
  version: z.int().positive(),
});

export const eventMessages = {
  'event.created.v1': eventFacts,
  'event.updated.v1': eventFacts,
  'event.cancelled.v1': eventFacts,
} as const;
