import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import { userOfEvent } from '../../domain/draft.ts';

interface UserOfEvent {
  readonly eventId: string;
  readonly userId: string;
}

/**
 * Returns the number of confirmed and held seats that each user has at an event, by `userOfEvent`. The events'
 * inventories must be locked, so that the numbers stay valid.
 */
export async function countUserSeats(
  transaction: SqlExecutor,
  users: readonly UserOfEvent[],
): Promise<ReadonlyMap<string, number>> {
  if (users.length === 0) return new Map();
  const wanted = new Map(users.map(({ eventId, userId }) => [userOfEvent({ eventId, userId }), [eventId, userId]]));
  const rows = await transaction.$queryRaw<(UserOfEvent & { seats: number | bigint })[]>(sql`
    SELECT event_id AS eventId, user_id AS userId, CAST((
      SELECT COALESCE(SUM(bookings.seat_count), 0)
      FROM bookings FORCE INDEX (bookings_user_id_event_id_status_id_idx)
      WHERE bookings.user_id = wanted.user_id AND bookings.event_id = wanted.event_id AND bookings.status = 'CONFIRMED'
    ) + (
      SELECT COALESCE(SUM(holds.seat_count), 0)
      FROM holds FORCE INDEX (holds_user_id_event_id_status_seat_count_idx)
      WHERE holds.user_id = wanted.user_id AND holds.event_id = wanted.event_id AND holds.status = 'HELD'
    ) AS SIGNED) AS seats
    FROM JSON_TABLE(${JSON.stringify([...wanted.values()])}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]'
    )) AS wanted`);
  return new Map(rows.map((row) => [userOfEvent(row), Number(row.seats)]));
}
