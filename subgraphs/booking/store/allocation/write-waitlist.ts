import { type Sql, sqltag as sql } from '@prisma/client/runtime/client';
import { sqlTime } from '#platform/database/database.ts';
import type { Writes } from '../../domain/draft.ts';

/** Returns the statements that insert new entries of waiting lists. Their inventories must be locked. */
export function insertWaitlistEntries(joined: Writes['joined']): Sql[] {
  const createdAt = joined[0]?.createdAt;
  if (createdAt === undefined) return [];
  const rows = joined.map(({ id, eventId, userId, seatCount, place }) => [id, eventId, userId, seatCount, place]);
  return [
    sql`
    INSERT INTO waitlist_entries (id, event_id, user_id, seat_count, place, created_at)
    SELECT id, event_id, user_id, seat_count, place, ${createdAt}
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]',
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[2]',
      seat_count INT PATH '$[3]',
      place INT PATH '$[4]'
    )) AS joined`,
  ];
}

/** Returns the statements that write the end of waiting. The inventories must be locked. */
export function endWaitlistEntries(ended: Writes['endedEntries']): Sql[] {
  if (ended.length === 0) return [];
  const rows = ended.map(({ id, status, endedAt, holdId }) => {
    const end = [id, status, sqlTime(endedAt)];
    // A missing element is NULL.
    return holdId === null ? end : [...end, holdId];
  });
  // Fixes the order of the tables: a scan of the entries would wait for rows that other transactions have locked.
  return [
    sql`
    UPDATE JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]',
      ended_at DATETIME(3) PATH '$[2]',
      hold_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[3]'
    )) AS ended
    STRAIGHT_JOIN waitlist_entries FORCE INDEX (PRIMARY) ON waitlist_entries.id = ended.id
    SET waitlist_entries.status = ended.status, waitlist_entries.ended_at = ended.ended_at,
        waitlist_entries.hold_id = ended.hold_id`,
  ];
}
