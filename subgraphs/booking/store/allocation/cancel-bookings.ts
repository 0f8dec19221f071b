import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { Writes } from '../../domain/draft.ts';

/** Returns the statements that write cancellations. The bookings' inventories must be locked. */
export function cancelBookings(cancelled: Writes['cancelled']): Sql[] {
  const cancelledAt = cancelled[0]?.booking.cancelledAt;
  if (!cancelledAt) return [];
  // Fixes the order of the tables: a scan of the bookings would wait for rows that other transactions have locked.
  return [
    sql`
    UPDATE JSON_TABLE(${JSON.stringify(cancelled.map(({ booking }) => booking.id))}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$'
    )) AS cancelled
    STRAIGHT_JOIN bookings FORCE INDEX (PRIMARY) ON bookings.id = cancelled.id
    SET status = 'CANCELLED', cancelled_at = ${cancelledAt}`,
  ];
}
