import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { Writes } from '../../domain/draft.ts';

/** Returns the statements that write cancellations. The bookings' inventories must be locked. */
export function cancelBookings(cancelled: Writes['cancelled']): Sql[] {
  const cancelledAt = cancelled[0]?.booking.cancelledAt;
  if (!cancelledAt) return [];
  const rows = cancelled.map(({ booking: { id, cancellationReason } }) => [id, cancellationReason]);
  // Fixes the order of the tables: a scan of the bookings would wait for rows that other transactions have locked.
  return [
    sql`
    UPDATE JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      reason VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[1]'
    )) AS cancelled
    STRAIGHT_JOIN bookings FORCE INDEX (PRIMARY) ON bookings.id = cancelled.id
    SET status = 'CANCELLED', cancelled_at = ${cancelledAt}, cancellation_reason = cancelled.reason`,
  ];
}
