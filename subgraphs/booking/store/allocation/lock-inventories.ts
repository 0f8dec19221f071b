import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database.ts';
import type { Inventory } from '../../domain/inventory.ts';

interface Row extends Inventory {
  now: Date;
}

/**
 * Locks the inventories that exist among these until the transaction ends, always in the order of their ids: two
 * batches that share events wait for each other and never in a circle.
 */
export async function lockInventories(transaction: SqlExecutor, eventIds: readonly string[]): Promise<Row[]> {
  return transaction.$queryRaw<Row[]>(sql`
    SELECT inventories.event_id AS eventId, organizer_id AS organizerId, starts_at AS startsAt, status,
           total_seats AS totalSeats, available_seats AS availableSeats, CURRENT_TIMESTAMP(3) AS now
    FROM JSON_TABLE(${JSON.stringify([...eventIds].sort())}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$'
    )) AS wanted
    STRAIGHT_JOIN inventories ON inventories.event_id = wanted.event_id
    ORDER BY inventories.event_id
    FOR UPDATE`);
}
