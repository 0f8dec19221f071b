import type { z } from 'zod';
import type { OutgoingMessage } from '#platform/messaging/message.ts';
import type { Booking } from '../domain/booking.ts';
import type { bookingFacts, bookingMessages } from './contract.ts';

/** Builds the message about a booking's new state. */
export function bookingMessage(
  type: keyof typeof bookingMessages,
  { id: bookingId, eventId, userId, seatCount, createdAt, cancelledAt, cancellationReason }: Booking,
  { messageId, requestId, traceparent }: { messageId: string; requestId: string; traceparent?: string | undefined },
): OutgoingMessage {
  const facts: z.input<typeof bookingFacts> = { bookingId, eventId, userId, seatCount };
  const data = type === 'booking.cancelled.v1' ? { ...facts, cancellationReason } : facts;
  const time = cancelledAt ?? createdAt;
  return { id: messageId, type, subject: bookingId, time, correlationId: requestId, traceparent, data };
}
