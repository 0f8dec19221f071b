import { sqltag as sql } from '@prisma/client/runtime/client';
import type { BookingDatabase } from './database.ts';

/** Returns the next events after `afterId`, in id order, with the version of each event's saved facts. */
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

/** The seats of an event according to its inventory, its bookings, its holds and its waiting list. */
export interface SeatCount {
  readonly totalSeats: number;
  readonly availableSeats: number;
  readonly confirmedSeats: number;
  readonly heldSeats: number;
  /** The seats of the holds with the status HELD. Equal to `heldSeats`. */
  readonly seatsOfHolds: number;
  readonly waitingSeats: number;
  /** The seats of the waiting list's entries with the status WAITING. Equal to `waitingSeats`. */
  readonly seatsOfEntries: number;
  /** True when the event is cancelled and marked as closed: all its bookings should be cancelled. */
  readonly isClosed: boolean;
}

/**
 * Counts with one statement, so that all numbers are from the same moment. Undefined without an inventory.
 */
export async function countSeats(database: BookingDatabase, eventId: string): Promise<SeatCount | undefined> {
  const [row] = await database.$queryRaw<Record<keyof SeatCount, bigint | number>[]>(sql`
    SELECT total_seats AS totalSeats, available_seats AS availableSeats,
           status = 'CANCELLED' AND closed_at IS NOT NULL AS isClosed,
           CAST((SELECT COALESCE(SUM(seat_count), 0) FROM bookings
                 WHERE bookings.event_id = inventories.event_id AND bookings.status = 'CONFIRMED') AS SIGNED)
             AS confirmedSeats,
           held_seats AS heldSeats,
           CAST((SELECT COALESCE(SUM(seat_count), 0) FROM holds
                 WHERE holds.event_id = inventories.event_id AND holds.status = 'HELD') AS SIGNED) AS seatsOfHolds,
           waiting_seats AS waitingSeats,
           CAST((SELECT COALESCE(SUM(seat_count), 0) FROM waitlist_entries
                 WHERE waitlist_entries.event_id = inventories.event_id AND waitlist_entries.status = 'WAITING') AS SIGNED)
             AS seatsOfEntries
    FROM inventories WHERE event_id = ${eventId}`);
  return (
    row && {
      totalSeats: Number(row.totalSeats),
      availableSeats: Number(row.availableSeats),
      confirmedSeats: Number(row.confirmedSeats),
      heldSeats: Number(row.heldSeats),
      seatsOfHolds: Number(row.seatsOfHolds),
      waitingSeats: Number(row.waitingSeats),
      seatsOfEntries: Number(row.seatsOfEntries),
      isClosed: Boolean(row.isClosed),
    }
  );
}

/** Marks a cancelled event as not closed, so that its remaining bookings are cancelled. */
export const reopenForClosing = (database: BookingDatabase, eventId: string): Promise<number> =>
  database.$executeRaw(sql`
    UPDATE inventories SET closed_at = NULL WHERE event_id = ${eventId} AND status = 'CANCELLED'`);

/**
 * Takes the next page of the background check: returns the id after which it begins, or undefined when no page is due.
 * For `leaseS` seconds, no other process can take it.
 */
export async function takeTurn(database: BookingDatabase, leaseS: number): Promise<string | undefined> {
  const taken = await database.$executeRaw(sql`
    UPDATE reconciliations SET due_at = CURRENT_TIMESTAMP(3) + INTERVAL ${leaseS} SECOND
    WHERE name = 'bookings' AND due_at <= CURRENT_TIMESTAMP(3)`);
  if (taken === 0) return undefined;
  const row = await database.reconciliation.findUnique({ where: { name: 'bookings' } });
  return row?.afterEventId;
}

/** Makes the next page begin after `afterId` and become due in `pauseS` seconds. */
export const endTurn = (
  database: BookingDatabase,
  { afterId, pauseS }: { afterId: string; pauseS: number },
): Promise<number> =>
  database.$executeRaw(sql`
    UPDATE reconciliations
    SET after_event_id = ${afterId}, due_at = CURRENT_TIMESTAMP(3) + INTERVAL ${pauseS} SECOND
    WHERE name = 'bookings'`);
