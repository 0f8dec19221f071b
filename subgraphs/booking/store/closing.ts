import { sqltag as sql } from '@prisma/client/runtime/client';
import type { BookingDatabase, BookingTransaction } from './database.ts';

/** A cancelled event whose bookings are not all cancelled yet. */
export async function findEventToClose(database: BookingDatabase): Promise<string | undefined> {
  const row = await database.inventory.findFirst({
    where: { status: 'CANCELLED', closedAt: null },
    select: { eventId: true },
  });
  return row?.eventId;
}

/** The ids of the next confirmed bookings of an event, oldest first. */
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

export const markClosed = (transaction: BookingTransaction, eventId: string): Promise<number> =>
  transaction.$executeRaw(sql`UPDATE inventories SET closed_at = CURRENT_TIMESTAMP(3) WHERE event_id = ${eventId}`);
