import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { ExpiredHolds } from '../../domain/draft.ts';
import type { Hold } from '../../domain/hold.ts';
import { HOLD_COLUMNS } from '../find-holds.ts';

/** The maximum number of expired holds in a batch, for all events together. Each event gets at least one. */
const EXPIRED_MAX = 512;

/** Returns the expired holds of each event, the oldest first. The events' inventories must be locked. */
export async function findExpiredHolds(
  transaction: SqlExecutor,
  eventIds: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, ExpiredHolds>> {
  if (eventIds.length === 0) return new Map();
  const limit = Math.ceil(EXPIRED_MAX / eventIds.length);
  const selects = eventIds.flatMap((eventId) => [
    sql`(
    SELECT ${HOLD_COLUMNS}
    FROM holds FORCE INDEX (holds_event_id_status_expires_at_idx)
    WHERE event_id = ${eventId} AND status = 'HELD' AND expires_at <= ${now} ORDER BY expires_at LIMIT ${limit})`,
    sql`(
    SELECT ${HOLD_COLUMNS}
    FROM holds FORCE INDEX (holds_event_id_status_expires_at_idx)
    WHERE event_id = ${eventId} AND status = 'HELD' AND expires_at > ${now} ORDER BY expires_at LIMIT 1)`,
  ]);
  const rows = await transaction.$queryRaw<Hold[]>(join(selects, ' UNION ALL '));
  const byEvent = Map.groupBy(rows, ({ eventId }) => eventId);
  return new Map(
    eventIds.map((eventId) => {
      const all = (byEvent.get(eventId) ?? []).sort(
        (one, other) => one.expiresAt.getTime() - other.expiresAt.getTime(),
      );
      const holds = all.filter(({ expiresAt }) => expiresAt <= now);
      // The event can have more expired holds. None of them expired before the last one of these.
      const next = holds.length === limit ? holds.at(-1) : all[holds.length];
      return [eventId, { holds, nextExpiresAt: next?.expiresAt ?? null }];
    }),
  );
}
