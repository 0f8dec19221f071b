import { sqltag as sql } from '@prisma/client/runtime/client';
import type { BookingDatabase, BookingTransaction } from './database.ts';

/** A cancelled event whose bookings are not all cancelled yet. */
export interface EventToClose {
  readonly eventId: string;
  /** The id of the request that cancelled the event. Null when it is unknown because no message has arrived. */
  readonly correlationId: string | null;
  readonly cancellationReason: string | null;
}

/** Returns the next cancelled events after `afterId`, in id order, whose bookings are not all cancelled yet. */
export async function findEventsToClose(
  database: BookingDatabase,
  { afterId, limit }: { afterId: string; limit: number },
): Promise<EventToClose[]> {
  const rows = await database.inventory.findMany({
    where: { status: 'CANCELLED', closedAt: null, eventId: { gt: afterId } },
    orderBy: { eventId: 'asc' },
    take: limit,
    select: { eventId: true, factsCorrelationId: true, cancellationReason: true },
  });
  return rows.map(({ factsCorrelationId, ...row }) => ({ ...row, correlationId: factsCorrelationId }));
}

/** Returns the ids of an event's next confirmed bookings after `afterId`, oldest first. */
export async function findConfirmedBookingIds(
  transaction: BookingTransaction,
  { eventId, afterId, limit }: { eventId: string; afterId: string; limit: number },
): Promise<string[]> {
  const rows = await transaction.booking.findMany({
    where: { eventId, id: { gt: afterId }, status: 'CONFIRMED' },
    orderBy: { id: 'asc' },
    take: limit,
    select: { id: true },
  });
  return rows.map(({ id }) => id);
}

/** Returns the ids of an event's next holds, in order of expiry. */
export async function findHeldHoldIds(
  transaction: BookingTransaction,
  { eventId, limit }: { eventId: string; limit: number },
): Promise<string[]> {
  const rows = await transaction.hold.findMany({
    where: { eventId, status: 'HELD' },
    orderBy: { expiresAt: 'asc' },
    take: limit,
    select: { id: true },
  });
  return rows.map(({ id }) => id);
}

export const markClosed = (transaction: BookingTransaction, eventId: string): Promise<number> =>
  transaction.$executeRaw(sql`UPDATE inventories SET closed_at = CURRENT_TIMESTAMP(3) WHERE event_id = ${eventId}`);
