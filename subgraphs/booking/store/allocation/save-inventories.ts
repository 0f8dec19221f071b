import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { Inventory } from '../../domain/inventory.ts';

/**
 * Returns the statements that write the total and available seats of locked inventories. The table's CHECK constraint
 * refuses invalid numbers.
 */
export function saveInventories(inventories: readonly Inventory[]): Sql[] {
  if (inventories.length === 0) return [];
  const rows = inventories.map(({ eventId, totalSeats, availableSeats }) => [eventId, totalSeats, availableSeats]);
  // Fixes the order of the tables: a scan of the inventories would wait for rows that other transactions have locked.
  return [
    sql`
    UPDATE JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      total_seats INT PATH '$[1]',
      available_seats INT PATH '$[2]'
    )) AS seats
    STRAIGHT_JOIN inventories FORCE INDEX (PRIMARY) ON inventories.event_id = seats.event_id
    SET inventories.total_seats = seats.total_seats, inventories.available_seats = seats.available_seats`,
  ];
}
