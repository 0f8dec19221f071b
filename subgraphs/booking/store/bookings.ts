import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { IdPage } from '#platform/graphql/pagination.ts';
import { BOOKING_STATUSES, type Booking, type BookingStatus } from '../domain/booking.ts';
import { BOOKING_COLUMNS } from './find-bookings.ts';

/** Filters a list of bookings: all given conditions must hold. Without conditions, the list holds all bookings. */
export interface BookingConditions {
  readonly userId?: string | undefined;
  readonly eventId?: string | undefined;
  readonly status?: BookingStatus | undefined;
}

export interface BookingPage extends BookingConditions {
  readonly page: IdPage;
}

/**
 * Reads pages of bookings with one statement. Returns them in the order of `pages`, each newest first, with one extra
 * row if there is a next page.
 */
export async function listBookingPages(executor: SqlExecutor, pages: readonly BookingPage[]): Promise<Booking[][]> {
  const selects = pages.flatMap((wanted, position) =>
    statusesOf(wanted).map((status) => selectPage(position, { ...wanted, status })),
  );
  const rows = await executor.$queryRaw<(Booking & { position: number | bigint })[]>(join(selects, ' UNION ALL '));
  const lists: Booking[][] = pages.map(() => []);
  for (const { position, ...booking } of rows) lists[Number(position)]?.push(booking);
  return lists.map((list, position) =>
    list.sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, (pages[position]?.page.limit ?? 0) + 1),
  );
}

/**
 * The statuses to read separately; undefined reads all statuses together. The indexes of users and events contain the
 * status before the id, so only bookings with the same status are in list order. Bookings of all users are in list
 * order in the primary key.
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

/** The index that holds these bookings in list order. MariaDB would choose other indexes, and sort or skip rows. */
function indexOf({ userId, eventId, status }: BookingConditions): Sql {
  if (userId !== undefined && eventId !== undefined) return sql`bookings_user_id_event_id_status_id_idx`;
  if (userId !== undefined) return sql`bookings_user_id_status_id_idx`;
  if (eventId !== undefined) return sql`bookings_event_id_status_id_seat_count_idx`;
  return status !== undefined ? sql`bookings_status_id_idx` : sql`PRIMARY`;
}
