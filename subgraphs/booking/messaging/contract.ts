import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';

/** Where the booking subgraph's messages are kept. */
export const bookingStream: StreamDefinition = { name: 'BOOKINGS', subjects: ['booking.>'] };

/** What was booked, or given back. */
export const bookingFacts = z.object({
  bookingId: z.uuid(),
  eventId: z.uuid(),
  userId: z.uuid(),
  seatCount: z.int().positive(),
});

export const bookingMessages = {
  'booking.confirmed.v1': bookingFacts,
  'booking.cancelled.v1': bookingFacts,
} as const;
