import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { CheckIn } from '../../domain/check-in.ts';
import type { CheckInRequest } from '../../domain/seat-requests.ts';

/** Returns the earlier check-ins with the device keys of these requests. */
export async function findCheckIns(transaction: SqlExecutor, requests: readonly CheckInRequest[]): Promise<CheckIn[]> {
  const keys = requests.map(({ bookingId, deviceKey }) => [bookingId, deviceKey]);
  return transaction.$queryRaw<CheckIn[]>(sql`
    SELECT check_ins.id AS id, check_ins.booking_id AS bookingId, check_ins.device_key AS deviceKey,
           check_ins.seats AS seats, check_ins.created_at AS createdAt
    FROM JSON_TABLE(${JSON.stringify(keys)}, '$[*]' COLUMNS (
      booking_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      device_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]'
    )) AS wanted
    STRAIGHT_JOIN check_ins FORCE INDEX (PRIMARY)
      ON check_ins.booking_id = wanted.booking_id AND check_ins.device_key = wanted.device_key`);
}
