import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { Booking } from '../../domain/booking.ts';
import type { Writes } from '../../domain/draft.ts';

/** Returns the statements that insert new bookings. Their inventories must be locked. */
export function insertBookings(bookings: readonly Booking[]): Sql[] {
  const createdAt = bookings[0]?.createdAt;
  if (createdAt === undefined) return [];
  const rows = bookings.map(({ id, eventId, userId, seatCount }) => [id, eventId, userId, seatCount]);
  return [
    sql`
    INSERT INTO bookings (id, event_id, user_id, seat_count, created_at)
    SELECT id, event_id, user_id, seat_count, ${createdAt} FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]',
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[2]',
      seat_count INT PATH '$[3]'
    )) AS booked`,
  ];
}

/** Returns the statements that insert the idempotency keys of new bookings. */
export function insertKeys(booked: Writes['booked']): Sql[] {
  const createdAt = booked[0]?.booking.createdAt;
  if (createdAt === undefined) return [];
  const rows = booked.map(({ booking: { id }, request: { callerId, idempotencyKey } }) => [
    id,
    callerId,
    idempotencyKey,
  ]);
  return [
    sql`
    INSERT INTO idempotency_keys (caller_id, idempotency_key, booking_id, created_at)
    SELECT caller_id, idempotency_key, booking_id, ${createdAt}
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      booking_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      caller_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]',
      idempotency_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin PATH '$[2]'
    )) AS booked`,
  ];
}
