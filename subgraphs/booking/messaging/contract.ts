import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';

/** The stream to which the booking subgraph publishes. */
export const bookingStream: StreamDefinition = {
  name: 'BOOKINGS',
  subjects: ['booking.>', 'hold.>', 'waitlist.>'],
  consumers: ['notification-bookings'],
  bytesMax: 2 ** 30,
};

const bookingExample = {
  bookingId: '0193f0a2-91d3-7c02-8e55-6a1b7f3d9c20',
  eventId: '0193f0a1-2b7a-7e19-a3c4-5d8e9f0a1b2c',
  userId: '0193f0a0-5c1e-7b44-9d0a-2f6f1c0e8a11',
  seatCount: 2,
};

/** The data of a message about a booking. */
export const bookingFacts = z
  .object({
    bookingId: z.uuid(),
    eventId: z.uuid(),
    userId: z.uuid().describe('The user who owns the booking'),
    seatCount: z.int().positive(),
  })
  .meta({ examples: [bookingExample] });

const cancelledFacts = bookingFacts.extend({
  cancellationReason: z.string().nullish().describe('Why it was cancelled; null: no reason was given'),
});

export const bookingMessages = {
  'booking.confirmed.v1': bookingFacts.describe('A booking was confirmed.'),
  'booking.cancelled.v1': cancelledFacts.meta({
    description: 'A booking was cancelled, alone or together with its event.',
    examples: [{ ...bookingExample, cancellationReason: 'The pianist is ill.' }],
  }),
} as const;

const HOLD_EXAMPLE = {
  holdId: '0193f0a2-8c10-7f5e-9b3d-2e4c6a8f0d12',
  eventId: '0193f0a1-2b7a-7e19-a3c4-5d8e9f0a1b2c',
  userId: '0193f0a0-5c1e-7b44-9d0a-2f6f1c0e8a11',
  seatCount: 2,
  expiresAt: '2026-11-22T09:35:00.000Z',
};

/** The data of a message about a hold. */
export const holdFacts = z
  .object({
    holdId: z.uuid().describe('Also the id of the booking that a confirmation makes'),
    eventId: z.uuid(),
    userId: z.uuid().describe('The user who owns the hold'),
    seatCount: z.int().positive(),
    expiresAt: z.iso.datetime().describe('From this time on, the hold cannot be confirmed'),
  })
  .meta({ examples: [HOLD_EXAMPLE] });

export const holdMessages = {
  'hold.created.v1': holdFacts.describe('Seats were held.'),
  'hold.confirmed.v1': holdFacts.describe(
    'A hold was confirmed. The message booking.confirmed.v1 about its booking is sent as well.',
  ),
  'hold.released.v1': holdFacts.describe(
    'A hold was released by its owner or an admin, or because its event was cancelled.',
  ),
  'hold.expired.v1': holdFacts.describe('A hold expired. Its seats are free again.'),
} as const;

/** The data of a message about an entry of a waiting list. */
export const waitlistFacts = holdFacts
  .extend({ entryId: z.uuid().describe('The entry of the waiting list') })
  .meta({ examples: [{ ...HOLD_EXAMPLE, entryId: '0193f0a2-7a0e-7d3c-8f21-5b6d7c8e9f04' }] });

export const waitlistMessages = {
  'waitlist.offered.v1': waitlistFacts.describe(
    'Seats became free and are held for a user of the waiting list. The message hold.created.v1 about the hold is sent as well.',
  ),
} as const;
