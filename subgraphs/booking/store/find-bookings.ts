import { sqltag as sql } from '@prisma/client/runtime/client';
import { columnsOf, type SqlExecutor } from '#platform/database/database.ts';
import type { Booking } from '../domain/booking.ts';

/** The columns of a booking for raw SQL, named like the properties of Booking. */
export const BOOKING_COLUMNS = columnsOf<Booking>({
  id: sql`bookings.id`,
  eventId: sql`event_id AS eventId`,
  userId: sql`user_id AS userId`,
  seatCount: sql`seat_count AS seatCount`,
  status: sql`status`,
  createdAt: sql`bookings.created_at AS createdAt`,
  cancelledAt: sql`cancelled_at AS cancelledAt`,
  checkedInSeats: sql`checked_in_seats AS checkedInSeats`,
  cancellationReason: sql`bookings.cancellation_reason AS cancellationReason`,
});

/** Returns the bookings with these ids, in any order. Unknown ids are left out. */
export const findBookings = (executor: SqlExecutor, ids: readonly string[]): PromiseLike<Booking[]> =>
  executor.$queryRaw<Booking[]>(sql`
    SELECT ${BOOKING_COLUMNS}
    FROM JSON_TABLE(${JSON.stringify(ids)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$'
    )) AS wanted
    STRAIGHT_JOIN bookings ON bookings.id = wanted.id`);
