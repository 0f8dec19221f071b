import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';

/** The stream to which the event subgraph publishes. */
export const eventStream: StreamDefinition = {
  name: 'EVENTS',
  subjects: ['event.>'],
  consumers: ['booking-events', 'notification-events'],
  bytesMax: 256 * 2 ** 20,
};

const instant = z.iso.datetime().transform((value) => new Date(value));

/**
 * The whole state of an event at one version. Consumers keep the highest version that they have received. A publisher of
 * an older release leaves out the rules of the sale and of cancellations, and the time zone.
 */
export const eventFacts = z.object({
  eventId: z.uuid(),
  name: z.string(),
  venue: z.string().nullable(),
  startsAt: instant,
  status: z.enum(['SCHEDULED', 'CANCELLED']),
  organizerId: z.uuid().describe('The user who created the event'),
  initialSeats: z.int().positive().describe('Seats at creation; later the booking subgraph owns the number of seats'),
  version: z.int().positive().describe('Grows with every change; the highest version is the current state'),
  salesStartAt: instant.nullish().describe('When the sale starts; null: when the event is created'),
  salesEndAt: instant.nullish().describe('When the sale ends; null: when the event starts'),
  maxSeatsPerUser: z.int().positive().nullish().describe('The most seats that one user can have; null: no limit'),
  cancellationDeadline: instant.nullish().describe('Until when users may cancel their bookings; null: no deadline'),
  cancellationReason: z.string().nullish().describe('Why the event was cancelled; null: no reason was given'),
  timeZone: z.string().optional().describe('The IANA name of the time zone of the event'),
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
  salesStartAt: '2030-05-01T09:00:00.000Z',
  salesEndAt: null,
  maxSeatsPerUser: 4,
  cancellationDeadline: '2030-05-31T19:30:00.000Z',
  cancellationReason: null,
  timeZone: 'Europe/Berlin',
};

/** The values before a change of the start or the venue. Those who have booked must know them. */
const previousFacts = {
  previousStartsAt: instant
    .nullish()
    .describe('When it started before a change of the start or the venue; null: both are the same'),
  previousVenue: z.string().nullish().describe('Where it took place before such a change'),
};

export const eventMessages = {
  'event.created.v1': eventFacts.meta({ description: 'An event was created.', examples: [example] }),
  'event.updated.v1': eventFacts.extend(previousFacts).meta({
    description: 'An event was changed.',
    examples: [
      { ...example, venue: null, version: 2, previousStartsAt: example.startsAt, previousVenue: example.venue },
    ],
  }),
  'event.cancelled.v1': eventFacts.meta({
    description: 'An event was cancelled. It takes no more bookings.',
    examples: [{ ...example, status: 'CANCELLED', version: 3, cancellationReason: 'The pianist is ill.' }],
  }),
} as const;
