import { join, sqltag as sql } from '@prisma/client/runtime/client';
import { columnsOf, type SqlExecutor } from '#platform/database/database.ts';
import type { WaitlistEntry } from '../domain/waitlist.ts';

/** The columns of an entry of a waiting list for raw SQL, named like the properties of WaitlistEntry. */
export const WAITLIST_COLUMNS = columnsOf<WaitlistEntry>({
  id: sql`waitlist_entries.id`,
  eventId: sql`waitlist_entries.event_id AS eventId`,
  userId: sql`waitlist_entries.user_id AS userId`,
  seatCount: sql`waitlist_entries.seat_count AS seatCount`,
  place: sql`place`,
  status: sql`waitlist_entries.status`,
  createdAt: sql`waitlist_entries.created_at AS createdAt`,
  endedAt: sql`waitlist_entries.ended_at AS endedAt`,
  holdId: sql`hold_id AS holdId`,
});

/** Returns the entries with these ids, in any order. Unknown ids are left out. */
export const findWaitlistEntries = (executor: SqlExecutor, ids: readonly string[]): PromiseLike<WaitlistEntry[]> =>
  executor.$queryRaw<WaitlistEntry[]>(sql`
    SELECT ${WAITLIST_COLUMNS}
    FROM JSON_TABLE(${JSON.stringify(ids)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$'
    )) AS wanted
    STRAIGHT_JOIN waitlist_entries ON waitlist_entries.id = wanted.id`);

/** The maximum number of entries before one that are counted, which limits the cost. */
const AHEAD_MAX = 10_000;

/** Returns how many entries wait before each of these entries, in their order. Each number is at most AHEAD_MAX. */
export async function countEntriesAhead(
  executor: SqlExecutor,
  entries: readonly Pick<WaitlistEntry, 'eventId' | 'place'>[],
): Promise<number[]> {
  const selects = entries.map(
    ({ eventId, place }, position) => sql`
    SELECT ${position} AS position, (
      SELECT COUNT(*) FROM (
        SELECT 1 FROM waitlist_entries FORCE INDEX (waitlist_entries_event_id_status_place_idx)
        WHERE event_id = ${eventId} AND status = 'WAITING' AND place < ${place} LIMIT ${AHEAD_MAX}
      ) AS counted) AS ahead`,
  );
  const statement = join(selects, ' UNION ALL ');
  const rows = await executor.$queryRaw<Record<'position' | 'ahead', number | bigint>[]>(statement);
  const byPosition = new Map(rows.map(({ position, ahead }) => [Number(position), Number(ahead)]));
  return entries.map((_, position) => byPosition.get(position) ?? 0);
}
