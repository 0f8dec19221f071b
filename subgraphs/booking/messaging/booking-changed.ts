import type { z } from 'zod';
import type { OutgoingMessage } from '#platform/messaging/message.ts';
import type { Booking } from '../domain/booking.ts';
import type { bookingFacts, bookingMessages } from './contract.ts';

/** Builds the message about a booking's new state. */
export function bookingMessage(
  type: keyof typeof bookingMessages,
  { id: bookingId, eventId, userId, seatCount, createdAt, cancelledAt }: Booking,
  { messageId, requestId }: { messageId: string; requestId: string },
): OutgoingMessage {
  const data: z.input<typeof bookingFacts> = { bookingId, eventId, userId, seatCount };
  return { id: messageId, type, subject: bookingId, time: cancelledAt ?? createdAt, correlationId: requestId, data };
}
