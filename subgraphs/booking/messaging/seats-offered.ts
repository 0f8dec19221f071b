import type { z } from 'zod';
import type { OutgoingMessage } from '#platform/messaging/message.ts';
import type { Hold } from '../domain/hold.ts';
import type { waitlistFacts } from './contract.ts';

/** Builds the message about seats that are held for an entry of a waiting list. No request of the user caused it. */
export function seatsOfferedMessage(
  { id: holdId, eventId, userId, seatCount, createdAt, expiresAt }: Hold,
  entryId: string,
  messageId: string,
): OutgoingMessage {
  const data: z.input<typeof waitlistFacts> = {
    holdId,
    eventId,
    userId,
    seatCount,
    expiresAt: expiresAt.toISOString(),
    entryId,
  };
  return {
    id: messageId,
    type: 'waitlist.offered.v1',
    subject: entryId,
    time: createdAt,
    correlationId: entryId,
    data,
  };
}
