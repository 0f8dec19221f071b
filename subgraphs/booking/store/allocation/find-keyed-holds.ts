import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Hold } from '../../domain/hold.ts';
import type { HoldRequest } from '../../domain/seat-requests.ts';
import { HOLD_COLUMNS } from '../find-holds.ts';

export interface KeyedHold extends Hold {
  idempotencyKey: string;
}

/** Returns the earlier holds with the idempotency keys of these requests. */
export async function findKeyedHolds(transaction: SqlExecutor, requests: readonly HoldRequest[]): Promise<KeyedHold[]> {
  const keys = requests.map(({ userId, idempotencyKey }) => [userId, idempotencyKey]);
  return transaction.$queryRaw<KeyedHold[]>(sql`
    SELECT holds.idempotency_key AS idempotencyKey, ${HOLD_COLUMNS}
    FROM JSON_TABLE(${JSON.stringify(keys)}, '$[*]' COLUMNS (
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      idempotency_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]'
    )) AS wanted
    STRAIGHT_JOIN holds FORCE INDEX (holds_user_id_idempotency_key_key)
      ON holds.user_id = wanted.user_id AND holds.idempotency_key = wanted.idempotency_key`);
}
