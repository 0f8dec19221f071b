import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import { sqlTime } from '#platform/database/database.ts';
import type { Inventory } from '../../domain/inventory.ts';

/**
 * Returns the statements that write the seats of locked inventories, their waiting lists' numbers, and when they are due. The
 * table's CHECK constraint refuses invalid numbers.
 */
export function saveInventories(inventories: readonly Inventory[]): Sql[] {
  if (inventories.length === 0) return [];
  const rows = inventories.map((inventory) => {
    const { eventId, totalSeats, availableSeats, heldSeats, waitingSeats, lastWaitlistPlace, checkedInSeats } =
      inventory;
    const seats = [eventId, totalSeats, availableSeats, heldSeats, waitingSeats, lastWaitlistPlace, checkedInSeats];
    // A missing element is NULL.
    return inventory.nextHoldExpiresAt === null ? seats : [...seats, sqlTime(inventory.nextHoldExpiresAt)];
  });
  // Fixes the order of the tables: a scan of the inventories would wait for rows that other transactions have locked.
  return [
    sql`
    UPDATE JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      total_seats INT PATH '$[1]',
      available_seats INT PATH '$[2]',
      held_seats INT PATH '$[3]',
      waiting_seats INT PATH '$[4]',
      last_waitlist_place INT PATH '$[5]',
      checked_in_seats INT PATH '$[6]',
      next_hold_expires_at DATETIME(3) PATH '$[7]'
    )) AS seats
    STRAIGHT_JOIN inventories FORCE INDEX (PRIMARY) ON inventories.event_id = seats.event_id
    SET inventories.total_seats = seats.total_seats, inventories.available_seats = seats.available_seats,
        inventories.held_seats = seats.held_seats, inventories.waiting_seats = seats.waiting_seats,
        inventories.last_waitlist_place = seats.last_waitlist_place,
        inventories.checked_in_seats = seats.checked_in_seats,
        inventories.next_hold_expires_at = seats.next_hold_expires_at`,
  ];
}
