import { join, sqltag as sql } from '@prisma/client/runtime/client';
import { type SqlExecutor, sqlTime } from '#platform/database/database.ts';
import type { Event } from '../domain/event.ts';
import { namePrefixesOf } from '../domain/name-search.ts';

export type IndexedFacts = Pick<Event, 'id' | 'name' | 'startsAt' | 'status'>;

/** Updates the search index of names for these events. The events must be locked or new. */
export async function indexEventNames(transaction: SqlExecutor, events: readonly IndexedFacts[]): Promise<void> {
  const ids = join(events.map(({ id }) => id));
  const rows = events.flatMap(({ id, name, startsAt, status }) => {
    const startsAtUtc = sqlTime(startsAt);
    return namePrefixesOf(name).map((prefix) => [id, prefix, startsAtUtc, status]);
  });
  await transaction.$executeRaw(sql`DELETE FROM event_name_prefixes WHERE event_id IN (${ids})`);
  await transaction.$executeRaw(sql`
    INSERT INTO event_name_prefixes (event_id, prefix, starts_at, status)
    SELECT event_id, prefix, starts_at, status FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      prefix VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[1]',
      starts_at DATETIME(3) PATH '$[2]',
      status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin PATH '$[3]'
    )) AS added`);
  await transaction.$executeRaw(sql`UPDATE events SET indexed_version = version WHERE id IN (${ids})`);
}

/** Locks and returns events with missing or outdated index entries. Skips events that others have locked. */
export const lockUnindexedEvents = (transaction: SqlExecutor, limit: number): PromiseLike<IndexedFacts[]> =>
  transaction.$queryRaw<IndexedFacts[]>(sql`
    SELECT id, name, starts_at AS startsAt, status FROM events
    WHERE unindexed_changes > 0 LIMIT ${limit} FOR UPDATE SKIP LOCKED`);
