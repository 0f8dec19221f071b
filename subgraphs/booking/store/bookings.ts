import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { Page } from '#platform/graphql/pagination.ts';
import { BOOKING_STATUSES, type Booking, type BookingStatus } from '../domain/booking.ts';
import type { BookingDatabase } from './database.ts';
import { BOOKING_COLUMNS } from './find-bookings.ts';

/** The position of a booking in lists, which are newest first: ids are UUIDv7. */
export type BookingKey = readonly [id: string];
export const bookingKeyOf = ({ id }: Booking): BookingKey => [id];

/** Which bookings a list holds: all of them, or those for which everything that is given is true. */
export interface BookingConditions {
  readonly userId?: string | undefined;
  readonly eventId?: string | undefined;
  readonly status?: BookingStatus | undefined;
}

export interface BookingPage extends BookingConditions {
  readonly page: Page<BookingKey>;
}

/** One page of bookings, newest first, and one row more when there are more. */
export async function listBookings(database: BookingDatabase, wanted: BookingPage): Promise<Booking[]> {
  const [rows = []] = await listBookingPages(database, [wanted]);
  return rows;
}

/** Several such pages in one statement. */
export async function listBookingPages(database: BookingDatabase, pages: readonly BookingPage[]): Promise<Booking[][]> {
  const selects = pages.flatMap((wanted, position) =>
    statusesOf(wanted).map((status) => selectPage(position, { ...wanted, status })),
  );
  const rows = await database.$queryRaw<(Booking & { position: number | bigint })[]>(join(selects, ' UNION ALL '));
  const lists: Booking[][] = pages.map(() => []);
  for (const { position, ...booking } of rows) lists[Number(position)]?.push(booking);
  return lists.map((list, position) =>
    list.sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, (pages[position]?.page.limit ?? 0) + 1),
  );
}

/**
 * The statuses to read one by one. The indexes of users and events have the status before the id, so that each of their
 * bookings of one status stand in the order of the list; everybody's bookings do so in the primary key.
 */
const statusesOf = ({ userId, eventId, status }: BookingConditions): readonly (BookingStatus | undefined)[] =>
  status !== undefined || (userId === undefined && eventId === undefined) ? [status] : BOOKING_STATUSES;

function selectPage(position: number, { userId, eventId, status, page: { limit, after } }: BookingPage): Sql {
  const conditions = [sql`TRUE`];
  if (userId !== undefined) conditions.push(sql`user_id = ${userId}`);
  if (eventId !== undefined) conditions.push(sql`event_id = ${eventId}`);
  if (status !== undefined) conditions.push(sql`status = ${status}`);
  if (after !== undefined) conditions.push(sql`id < ${after[0]}`);
  return sql`(
    SELECT ${position} AS position, ${BOOKING_COLUMNS}
    FROM bookings FORCE INDEX (${indexOf({ userId, eventId, status })})
    WHERE ${join(conditions, ' AND ')} ORDER BY id DESC LIMIT ${limit + 1})`;
}

/** The index that has these bookings in the order of the list. Left to choose, MariaDB reads others and sorts or skips. */
function indexOf({ userId, eventId, status }: BookingConditions): Sql {
  if (userId !== undefined && eventId !== undefined) return sql`bookings_user_id_event_id_status_id_idx`;
  if (userId !== undefined) return sql`bookings_user_id_status_id_idx`;
  if (eventId !== undefined) return sql`bookings_event_id_status_id_seat_count_idx`;
  return status !== undefined ? sql`bookings_status_id_idx` : sql`PRIMARY`;
}
