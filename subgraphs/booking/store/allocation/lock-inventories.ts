import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database.ts';
import type { Inventory } from '../../domain/inventory.ts';

interface Row extends Inventory {
  now: Date;
}

/**
 * Locks the inventories that exist among these until the transaction ends, always in the order of their ids: two
 * batches that share events wait for each other and never in a circle. The ids are a list and not a JSON_TABLE, which
 * MySQL refuses in a locking read (error 3569).
 */
export async function lockInventories(transaction: SqlExecutor, eventIds: readonly string[]): Promise<Row[]> {
  if (eventIds.length === 0) return [];
  return transaction.$queryRaw<Row[]>(sql`
    SELECT event_id AS eventId, organizer_id AS organizerId, starts_at AS startsAt, status,
           total_seats AS totalSeats, available_seats AS availableSeats, CURRENT_TIMESTAMP(3) AS now
    FROM inventories
    WHERE event_id IN (${join(eventIds.toSorted())})
    ORDER BY event_id
    FOR UPDATE`);
}
