import type { Connection } from 'mariadb';
import { expect } from 'vitest';

/** The seats that users took by themselves, without the bookings of holds and the offers of waiting lists. */
const TAKEN = `(
  SELECT id, event_id, seat_count, created_at FROM bookings WHERE id NOT IN (SELECT id FROM holds)
  UNION ALL
  SELECT id, event_id, seat_count, created_at FROM holds
  WHERE id NOT IN (SELECT hold_id FROM waitlist_entries WHERE hold_id IS NOT NULL)) AS taken`;

/**
 * Each statement returns what breaks a rule. Times are compared because each transaction reads the clock after it has
 * locked the event.
 */
const BROKEN = {
  'no user has more seats of an event than its limit': `
    SELECT event_id, user_id, SUM(seat_count) AS seats
    FROM (SELECT event_id, user_id, seat_count FROM bookings WHERE status = 'CONFIRMED'
          UNION ALL SELECT event_id, user_id, seat_count FROM holds WHERE status = 'HELD') AS taken
    JOIN inventories USING (event_id)
    GROUP BY event_id, user_id, max_seats_per_user HAVING SUM(seat_count) > max_seats_per_user`,
  'the waiting seats are those of the entries': `
    SELECT event_id, waiting_seats FROM inventories
    WHERE waiting_seats <> (SELECT COALESCE(SUM(seat_count), 0) FROM waitlist_entries
                            WHERE waitlist_entries.event_id = inventories.event_id AND status = 'WAITING')`,
  'the checked-in seats of an event are those of its bookings': `
    SELECT event_id, checked_in_seats FROM inventories
    WHERE checked_in_seats <> (SELECT COALESCE(SUM(bookings.checked_in_seats), 0) FROM bookings
                               WHERE bookings.event_id = inventories.event_id)`,
  'the checked-in seats of a booking are those of its check-ins, not more than it has, and it is not cancelled': `
    SELECT id, checked_in_seats FROM bookings
    WHERE checked_in_seats <> (SELECT COALESCE(SUM(seats), 0) FROM check_ins WHERE booking_id = bookings.id)
      OR checked_in_seats > seat_count OR checked_in_seats > 0 AND status <> 'CONFIRMED'`,
  'no seats are taken outside of the sale': `
    SELECT id, created_at FROM ${TAKEN} JOIN inventories USING (event_id)
    WHERE created_at < sales_start_at OR created_at >= sales_end_at`,
  'no entry waits while enough seats are free for it': `
    SELECT id, seat_count, available_seats FROM waitlist_entries JOIN inventories USING (event_id)
    WHERE waitlist_entries.status = 'WAITING' AND seat_count <= available_seats`,
  'nobody takes seats while somebody waits for as many or fewer': `
    SELECT taken.id, waiting.id AS waiting_id FROM ${TAKEN}
    JOIN waitlist_entries AS waiting ON waiting.event_id = taken.event_id AND waiting.seat_count <= taken.seat_count
    WHERE taken.created_at > waiting.created_at AND taken.created_at < COALESCE(waiting.ended_at, '9999-01-01')`,
  'seats are offered in the order of the line among the entries that fit': `
    SELECT behind.id, waiting.id AS waiting_id FROM waitlist_entries AS behind
    JOIN waitlist_entries AS waiting ON waiting.event_id = behind.event_id AND waiting.place < behind.place
      AND waiting.seat_count <= behind.seat_count
    WHERE behind.hold_id IS NOT NULL AND behind.ended_at < COALESCE(waiting.ended_at, '9999-01-01')`,
} as const;

/** Checks the rules of sales, limits, waiting lists and check-ins in a booking database. */
export async function expectSalesRules(connection: Connection): Promise<void> {
  for (const [rule, statement] of Object.entries(BROKEN)) {
    expect(await connection.query(statement), `R1: ${rule}`).toEqual([]);
  }
}
