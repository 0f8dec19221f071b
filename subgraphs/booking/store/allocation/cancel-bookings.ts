import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database.ts';
import type { Writes } from '../../domain/allocation.ts';

/** Writes cancellations. The bookings' inventories must be locked. */
export async function cancelBookings(transaction: SqlExecutor, cancelled: Writes['cancelled']): Promise<void> {
  const cancelledAt = cancelled[0]?.booking.cancelledAt;
  if (!cancelledAt) return;
  await transaction.$executeRaw(sql`
    UPDATE bookings
    INNER JOIN JSON_TABLE(${JSON.stringify(cancelled.map(({ booking }) => booking.id))}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$'
    )) AS cancelled ON cancelled.id = bookings.id
    SET status = 'CANCELLED', cancelled_at = ${cancelledAt}`);
}
