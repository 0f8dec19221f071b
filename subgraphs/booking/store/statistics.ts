import { join, sqltag as sql } from '@prisma/client/runtime/client';
import { firstIdAt, type SqlExecutor } from '#platform/database/database.ts';
import { STEP_MS } from '../domain/days.ts';
import type { CountedBookings } from '../domain/statistics.ts';

type Row<Key> = Key & {
  readonly status: CountedBookings['status'];
  readonly bookings: number | bigint;
  readonly seats: number | bigint;
};

const counts = sql`COUNT(*) AS bookings, CAST(SUM(seat_count) AS SIGNED) AS seats`;

const numbersOf = ({ status, bookings, seats }: Row<unknown>): CountedBookings => ({
  status,
  bookings: Number(bookings),
  seats: Number(seats),
});

/** Counts the bookings of events by status. Reads the events' entries in one index, and no rows of the table. */
export async function countBookings(
  executor: SqlExecutor,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, CountedBookings[]>> {
  const rows = await executor.$queryRaw<Row<{ eventId: string }>[]>(sql`
    SELECT event_id AS eventId, status, ${counts}
    FROM bookings FORCE INDEX (bookings_event_id_status_id_seat_count_idx)
    WHERE event_id IN (${join([...eventIds])}) GROUP BY event_id, status`);
  return new Map([...Map.groupBy(rows, ({ eventId }) => eventId)].map(([id, ofEvent]) => [id, ofEvent.map(numbersOf)]));
}

/**
 * Counts the bookings of an event by status and by steps of time, by the time in their ids. Reads only entries of this
 * time in one index.
 */
export async function countBookingsByTime(
  executor: SqlExecutor,
  { eventId, from, to }: { eventId: string; from: Date; to: Date },
): Promise<(CountedBookings & { at: Date })[]> {
  const rows = await executor.$queryRaw<Row<{ step: number | bigint }>[]>(sql`
    SELECT CAST(CONV(CONCAT(LEFT(id, 8), SUBSTRING(id, 10, 4)), 16, 10) AS UNSIGNED) DIV ${STEP_MS} AS step,
      status, ${counts}
    FROM bookings FORCE INDEX (bookings_event_id_status_id_seat_count_idx)
    WHERE event_id = ${eventId} AND status IN ('CONFIRMED', 'CANCELLED')
      AND id >= ${firstIdAt(from)} AND id < ${firstIdAt(to)}
    GROUP BY step, status`);
  return rows.map((row) => ({ ...numbersOf(row), at: new Date(Number(row.step) * STEP_MS) }));
}
