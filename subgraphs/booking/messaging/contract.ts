import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';

/** Where the booking subgraph's messages are kept. */
export const bookingStream: StreamDefinition = {
  name: 'BOOKINGS',
  subjects: ['booking.>'],
  consumers: ['notification-bookings'],
  bytesMax: 2 ** 30,
};

/** What was booked, or given back. */
export const bookingFacts = z
  .object({
    bookingId: z.uuid(),
    eventId: z.uuid(),
    userId: z.uuid().describe('Whose booking it is'),
    seatCount: z.int().positive(),
  })
  .meta({
    examples: [
      {
        bookingId: '0193f0a2-91d3-7c02-8e55-6a1b7f3d9c20',
        eventId: '0193f0a1-2b7a-7e19-a3c4-5d8e9f0a1b2c',
        userId: '0193f0a0-5c1e-7b44-9d0a-2f6f1c0e8a11',
        seatCount: 2,
      },
    ],
  });

export const bookingMessages = {
  'booking.confirmed.v1': bookingFacts.describe('The seats are the user’s.'),
  'booking.cancelled.v1': bookingFacts.describe('The seats were given back, by the user or with the whole event.'),
} as const;
