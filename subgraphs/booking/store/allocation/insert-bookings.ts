import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import type { Writes } from '../../domain/allocation.ts';

/** Returns the statements that insert new bookings and their idempotency keys. Their inventories must be locked. */
export function insertBookings(booked: Writes['booked']): Sql[] {
  const createdAt = booked[0]?.booking.createdAt;
  if (createdAt === undefined) return [];
  const rows = JSON.stringify(
    booked.map(({ booking: { id, eventId, userId, seatCount }, request: { callerId, idempotencyKey } }) => {
      return [id, eventId, userId, seatCount, callerId, idempotencyKey];
    }),
  );
  return [
    sql`
    INSERT INTO bookings (id, event_id, user_id, seat_count, created_at)
    SELECT id, event_id, user_id, seat_count, ${createdAt} FROM JSON_TABLE(${rows}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]',
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[2]',
      seat_count INT PATH '$[3]'
    )) AS booked`,
    sql`
    INSERT INTO idempotency_keys (caller_id, idempotency_key, booking_id, created_at)
    SELECT caller_id, idempotency_key, booking_id, ${createdAt} FROM JSON_TABLE(${rows}, '$[*]' COLUMNS (
      booking_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      caller_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[4]',
      idempotency_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin PATH '$[5]'
    )) AS booked`,
  ];
}
