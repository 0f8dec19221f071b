import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Prune } from '#platform/database/pruning.ts';
import type { IdPage } from '#platform/graphql/pagination.ts';
import type { Hold } from '../domain/hold.ts';
import { HOLD_COLUMNS } from './find-holds.ts';

export interface HoldPage {
  readonly userId: string;
  readonly page: IdPage;
}

/**
 * Reads pages of users' holds with one statement. Returns them in the order of `pages`, each newest first, with one
 * extra row if there is a next page.
 */
export async function listHoldPages(executor: SqlExecutor, pages: readonly HoldPage[]): Promise<Hold[][]> {
  const selects = pages.map(
    ({ userId, page: { limit, after } }, position) => sql`(
    SELECT ${position} AS position, ${HOLD_COLUMNS}
    FROM holds FORCE INDEX (holds_user_id_id_idx)
    WHERE user_id = ${userId} AND ${after === undefined ? sql`TRUE` : sql`id < ${after[0]}`}
    ORDER BY id DESC LIMIT ${limit + 1})`,
  );
  const rows = await executor.$queryRaw<(Hold & { position: number | bigint })[]>(join(selects, ' UNION ALL '));
  const lists: Hold[][] = pages.map(() => []);
  for (const { position, ...hold } of rows) lists[Number(position)]?.push(hold);
  return lists.map((list) => list.sort((one, other) => (one.id < other.id ? 1 : -1)));
}

/** Returns the events with holds that may have expired, by the database's clock. The oldest expiry comes first. */
export async function findEventsWithDueHolds(executor: SqlExecutor, limit: number): Promise<string[]> {
  const rows = await executor.$queryRaw<{ eventId: string }[]>(sql`
    SELECT event_id AS eventId FROM inventories FORCE INDEX (inventories_next_hold_expires_at_idx)
    WHERE next_hold_expires_at <= CURRENT_TIMESTAMP(3) ORDER BY next_hold_expires_at LIMIT ${limit}`);
  return rows.map(({ eventId }) => eventId);
}

/** Deletes holds that ended more than `ttlS` seconds ago by the database's clock. Their keys are free then. */
export const pruneHolds =
  (database: SqlExecutor, ttlS: number): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM holds WHERE ended_at < CURRENT_TIMESTAMP(3) - INTERVAL ${ttlS} SECOND LIMIT ${limit}`);
