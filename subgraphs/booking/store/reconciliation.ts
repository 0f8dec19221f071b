import { sqltag as sql } from '@prisma/client/runtime/client';
import type { BookingDatabase } from './database.ts';

/** The next events by id, with the version of the facts that are known of each. */
export async function findEventsAfter(
  database: BookingDatabase,
  { afterId, limit }: { afterId: string; limit: number },
): Promise<{ eventId: string; version: number }[]> {
  const rows = await database.inventory.findMany({
    where: { eventId: { gt: afterId } },
    orderBy: { eventId: 'asc' },
    take: limit,
    select: { eventId: true, eventVersion: true },
  });
  return rows.map(({ eventId, eventVersion }) => ({ eventId, version: eventVersion }));
}

/** An event's seats as its inventory and its bookings have them. */
export interface SeatCount {
  readonly totalSeats: number;
  readonly availableSeats: number;
  readonly confirmedSeats: number;
  /** The event is cancelled, and all its bookings were found cancelled. */
  readonly isClosed: boolean;
}

/** Counts in one statement, so that inventory and bookings are of one moment. */
export async function countSeats(database: BookingDatabase, eventId: string): Promise<SeatCount | undefined> {
  const [row] = await database.$queryRaw<Record<keyof SeatCount, bigint | number>[]>(sql`
    SELECT total_seats AS totalSeats, available_seats AS availableSeats,
           status = 'CANCELLED' AND closed_at IS NOT NULL AS isClosed,
           CAST((SELECT COALESCE(SUM(seat_count), 0) FROM bookings
                 WHERE bookings.event_id = inventories.event_id AND bookings.status = 'CONFIRMED') AS SIGNED)
             AS confirmedSeats
    FROM inventories WHERE event_id = ${eventId}`);
  return (
    row && {
      totalSeats: Number(row.totalSeats),
      availableSeats: Number(row.availableSeats),
      confirmedSeats: Number(row.confirmedSeats),
      isClosed: Boolean(row.isClosed),
    }
  );
}

/** Has a cancelled event's bookings cancelled once more. */
export const reopenForClosing = (database: BookingDatabase, eventId: string): Promise<number> =>
  database.$executeRaw(sql`
    UPDATE inventories SET closed_at = NULL WHERE event_id = ${eventId} AND status = 'CANCELLED'`);

/** Where the next page of the background check begins, if it is due; for the next `leaseS` no other process gets it. */
export async function takeTurn(database: BookingDatabase, leaseS: number): Promise<string | undefined> {
  const taken = await database.$executeRaw(sql`
    UPDATE reconciliations SET due_at = CURRENT_TIMESTAMP(3) + INTERVAL ${leaseS} SECOND
    WHERE name = 'bookings' AND due_at <= CURRENT_TIMESTAMP(3)`);
  if (taken === 0) return undefined;
  const row = await database.reconciliation.findUnique({ where: { name: 'bookings' } });
  return row?.afterEventId;
}

/** Lets the next page begin after an event, in `pauseS`. */
export const endTurn = (
  database: BookingDatabase,
  { afterId, pauseS }: { afterId: string; pauseS: number },
): Promise<number> =>
  database.$executeRaw(sql`
    UPDATE reconciliations
    SET after_event_id = ${afterId}, due_at = CURRENT_TIMESTAMP(3) + INTERVAL ${pauseS} SECOND
    WHERE name = 'bookings'`);
