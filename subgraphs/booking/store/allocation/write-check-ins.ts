import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { Writes } from '../../domain/draft.ts';

/** Returns the statements that insert new check-ins. Their inventories must be locked. */
export function insertCheckIns(checkedIn: Writes['checkedIn']): Sql[] {
  const createdAt = checkedIn[0]?.checkIn.createdAt;
  if (createdAt === undefined) return [];
  const rows = checkedIn.map(({ checkIn: { id, bookingId, deviceKey, seats } }) => [bookingId, deviceKey, id, seats]);
  return [
    sql`
    INSERT INTO check_ins (booking_id, device_key, id, seats, created_at)
    SELECT booking_id, device_key, id, seats, ${createdAt}
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      booking_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      device_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]',
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[2]',
      seats INT PATH '$[3]'
    )) AS checked_in`,
  ];
}

/** Returns the statements that write the checked-in seats of bookings. Their inventories must be locked. */
export function saveCheckedInSeats(checkedIn: Writes['checkedIn']): Sql[] {
  if (checkedIn.length === 0) return [];
  // One row per booking: with several, the statement would apply only one of them. The last one is the newest.
  const seatsOf = new Map(checkedIn.map(({ booking: { id, checkedInSeats } }) => [id, checkedInSeats]));
  // Fixes the order of the tables: a scan of the bookings would wait for rows that other transactions have locked.
  return [
    sql`
    UPDATE JSON_TABLE(${JSON.stringify([...seatsOf])}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      checked_in_seats INT PATH '$[1]'
    )) AS checked_in
    STRAIGHT_JOIN bookings FORCE INDEX (PRIMARY) ON bookings.id = checked_in.id
    SET bookings.checked_in_seats = checked_in.checked_in_seats`,
  ];
}
