import type { z } from 'zod';
import type { OutgoingMessage } from '#platform/messaging/message.ts';
import type { Hold, HoldStatus } from '../domain/hold.ts';
import type { holdFacts, holdMessages } from './contract.ts';

const TYPES: Readonly<Record<HoldStatus, keyof typeof holdMessages>> = {
  HELD: 'hold.created.v1',
  CONFIRMED: 'hold.confirmed.v1',
  RELEASED: 'hold.released.v1',
  EXPIRED: 'hold.expired.v1',
};

/** Builds the message about a hold's new state. */
export function holdMessage(
  { id: holdId, eventId, userId, seatCount, status, createdAt, expiresAt, endedAt }: Hold,
  { messageId, requestId, traceparent }: { messageId: string; requestId: string; traceparent?: string | undefined },
): OutgoingMessage {
  const data: z.input<typeof holdFacts> = { holdId, eventId, userId, seatCount, expiresAt: expiresAt.toISOString() };
  const time = endedAt ?? createdAt;
  return { id: messageId, type: TYPES[status], subject: holdId, time, correlationId: requestId, traceparent, data };
}
