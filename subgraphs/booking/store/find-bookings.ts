import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Booking } from '../domain/booking.ts';

/** Returns the bookings with these ids, as far as they exist. */
export const findBookings = (executor: SqlExecutor, ids: readonly string[]): PromiseLike<Booking[]> =>
  executor.$queryRaw<Booking[]>(sql`
    SELECT bookings.id, event_id AS eventId, user_id AS userId, seat_count AS seatCount, status,
           created_at AS createdAt, cancelled_at AS cancelledAt
    FROM JSON_TABLE(${JSON.stringify(ids)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$'
    )) AS wanted
    STRAIGHT_JOIN bookings ON bookings.id = wanted.id`);
