import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import { sqlTime } from '#platform/database/database.ts';
import type { Writes } from '../../domain/draft.ts';
import type { Hold } from '../../domain/hold.ts';

/** Returns the statements that insert new holds. Their inventories must be locked. */
export function insertHolds(held: readonly { readonly hold: Hold; readonly idempotencyKey: string }[]): Sql[] {
  const createdAt = held[0]?.hold.createdAt;
  if (createdAt === undefined) return [];
  const rows = held.map(({ hold: { id, eventId, userId, seatCount, expiresAt }, idempotencyKey }) => {
    return [id, eventId, userId, seatCount, idempotencyKey, sqlTime(expiresAt)];
  });
  return [
    sql`
    INSERT INTO holds (id, event_id, user_id, seat_count, idempotency_key, expires_at, created_at)
    SELECT id, event_id, user_id, seat_count, idempotency_key, expires_at, ${createdAt}
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]',
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[2]',
      seat_count INT PATH '$[3]',
      idempotency_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin PATH '$[4]',
      expires_at DATETIME(3) PATH '$[5]'
    )) AS held`,
  ];
}

/** Returns the statements that write the end of holds. Their inventories must be locked. */
export function endHolds(ended: Writes['ended']): Sql[] {
  if (ended.length === 0) return [];
  const rows = ended.map(({ hold: { id, status, endedAt } }) => [id, status, sqlTime(endedAt)]);
  // Fixes the order of the tables: a scan of the holds would wait for rows that other transactions have locked.
  return [
    sql`
    UPDATE JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]',
      ended_at DATETIME(3) PATH '$[2]'
    )) AS ended
    STRAIGHT_JOIN holds FORCE INDEX (PRIMARY) ON holds.id = ended.id
    SET holds.status = ended.status, holds.ended_at = ended.ended_at`,
  ];
}
