import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Booking } from '../../domain/booking.ts';
import type { BookRequest } from '../../domain/seat-requests.ts';
import { BOOKING_COLUMNS } from '../find-bookings.ts';

export interface KeyedBooking extends Booking {
  callerId: string;
  idempotencyKey: string;
}

/** Returns the earlier bookings with the idempotency keys of these requests. */
export async function findKeyedBookings(
  transaction: SqlExecutor,
  requests: readonly BookRequest[],
): Promise<KeyedBooking[]> {
  const keys = requests.map(({ callerId, idempotencyKey }) => [callerId, idempotencyKey]);
  return transaction.$queryRaw<KeyedBooking[]>(sql`
    SELECT idempotency_keys.caller_id AS callerId, idempotency_keys.idempotency_key AS idempotencyKey,
           ${BOOKING_COLUMNS}
    FROM JSON_TABLE(${JSON.stringify(keys)}, '$[*]' COLUMNS (
      caller_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      idempotency_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]'
    )) AS wanted
    STRAIGHT_JOIN idempotency_keys
      ON idempotency_keys.caller_id = wanted.caller_id AND idempotency_keys.idempotency_key = wanted.idempotency_key
    STRAIGHT_JOIN bookings ON bookings.id = idempotency_keys.booking_id`);
}
