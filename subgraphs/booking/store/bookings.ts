import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { Page } from '#platform/pagination.ts';
import type { Booking, BookingStatus } from '../domain/booking.ts';
import type { Prisma } from '../generated/prisma/client.ts';
import type { BookingDatabase } from './database.ts';

/** The position of a booking in lists, which are newest first: ids are UUIDv7. */
export type BookingKey = readonly [id: string];
export const bookingKeyOf = ({ id }: Booking): BookingKey => [id];

export interface BookingConditions {
  readonly userId?: string | undefined;
  readonly eventId?: string | undefined;
  readonly status?: BookingStatus | undefined;
}

/** One page of bookings, newest first, and one row more when there are more. */
export async function listBookings(
  database: BookingDatabase,
  { limit, after }: Page<BookingKey>,
  { userId, eventId, status }: BookingConditions,
): Promise<Booking[]> {
  const rows = await database.booking.findMany({
    where: {
      ...(userId !== undefined && { userId }),
      ...(eventId !== undefined && { eventId }),
      ...(status !== undefined && { status }),
      ...(after !== undefined && { id: { lt: after[0] } }),
    },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  return rows.map(toBooking);
}

/** Whose bookings a page lists. */
export interface BookingOwner {
  readonly owner: 'user' | 'event';
  readonly id: string;
}

/** The same page of several owners' bookings, newest first, in one statement that reads no row too many. */
export async function listBookingsOf(
  database: BookingDatabase,
  owners: readonly (BookingOwner & { page: Page<BookingKey> })[],
): Promise<Booking[][]> {
  const selects = owners.map(({ owner, id, page: { limit, after } }, position) => {
    const isOwned = owner === 'user' ? sql`user_id = ${id}` : sql`event_id = ${id}`;
    const isAfter = after === undefined ? sql`TRUE` : sql`id < ${after[0]}`;
    return sql`(
      SELECT ${position} AS position, id, event_id AS eventId, user_id AS userId, seat_count AS seatCount, status,
             created_at AS createdAt, cancelled_at AS cancelledAt
      FROM bookings WHERE ${isOwned} AND ${isAfter} ORDER BY id DESC LIMIT ${limit + 1})`;
  });
  const rows = await database.$queryRaw<(Booking & { position: number | bigint })[]>(join(selects, ' UNION ALL '));
  const pages: Booking[][] = owners.map(() => []);
  for (const { position, ...booking } of rows) pages[Number(position)]?.push(booking);
  for (const page of pages) page.sort((one, other) => (one.id < other.id ? 1 : -1));
  return pages;
}

const toBooking = (row: Prisma.BookingModel): Booking => ({ ...row, status: row.status as BookingStatus });
