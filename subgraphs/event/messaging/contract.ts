import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';

/** Where the event subgraph's messages are kept. */
export const eventStream: StreamDefinition = {
  name: 'EVENTS',
  subjects: ['event.>'],
  consumers: ['booking-events', 'notification-events'],
  bytesMax: 256 * 2 ** 20,
};

/** The whole state of an event at a version: a consumer keeps the highest version that it has seen. */
export const eventFacts = z.object({
  eventId: z.uuid(),
  name: z.string(),
  venue: z.string().nullable(),
  startsAt: z.iso.datetime().transform((value) => new Date(value)),
  status: z.enum(['SCHEDULED', 'CANCELLED']),
  organizerId: z.uuid().describe('The user who made it'),
  initialSeats: z.int().positive().describe('Seats at its creation; the booking subgraph owns what became of them'),
  version: z.int().positive().describe('Grows with every change: the highest one seen is the state'),
});

const example: z.input<typeof eventFacts> = {
  eventId: '0193f0a1-2b7a-7e19-a3c4-5d8e9f0a1b2c',
  name: 'Chamber Music',
  venue: 'The Old Mill',
  startsAt: '2030-06-01T19:30:00.000Z',
  status: 'SCHEDULED',
  organizerId: '0193f0a0-5c1e-7b44-9d0a-2f6f1c0e8a11',
  initialSeats: 100,
  version: 1,
};

export const eventMessages = {
  'event.created.v1': eventFacts.meta({ description: 'There is a new event.', examples: [example] }),
  'event.updated.v1': eventFacts.meta({
    description: 'Its facts have changed.',
    examples: [{ ...example, venue: null, version: 2 }],
  }),
  'event.cancelled.v1': eventFacts.meta({
    description: 'It will not take place, and takes no bookings any more.',
    examples: [{ ...example, status: 'CANCELLED', version: 3 }],
  }),
} as const;
