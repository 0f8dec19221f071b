import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Prune } from '#platform/database/pruning.ts';
import type { IdPage } from '#platform/graphql/pagination.ts';
import type { WaitlistEntry } from '../domain/waitlist.ts';
import { WAITLIST_COLUMNS } from './find-waitlist-entries.ts';

export interface WaitlistPage {
  readonly userId: string;
  readonly page: IdPage;
}

/**
 * Reads pages of users' entries with one statement. Returns them in the order of `pages`, each newest first, with one
 * extra row if there is a next page.
 */
export async function listWaitlistPages(
  executor: SqlExecutor,
  pages: readonly WaitlistPage[],
): Promise<WaitlistEntry[][]> {
  const selects = pages.map(
    ({ userId, page: { limit, after } }, position) => sql`(
    SELECT ${position} AS position, ${WAITLIST_COLUMNS}
    FROM waitlist_entries FORCE INDEX (waitlist_entries_user_id_id_idx)
    WHERE user_id = ${userId} AND ${after === undefined ? sql`TRUE` : sql`id < ${after[0]}`}
    ORDER BY id DESC LIMIT ${limit + 1})`,
  );
  const statement = join(selects, ' UNION ALL ');
  const rows = await executor.$queryRaw<(WaitlistEntry & { position: number | bigint })[]>(statement);
  const lists: WaitlistEntry[][] = pages.map(() => []);
  for (const { position, ...entry } of rows) lists[Number(position)]?.push(entry);
  return lists.map((list) => list.sort((one, other) => (one.id < other.id ? 1 : -1)));
}

/** Deletes entries that stopped waiting more than `ttlS` seconds ago by the database's clock. */
export const pruneWaitlistEntries =
  (database: SqlExecutor, ttlS: number): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM waitlist_entries WHERE ended_at < CURRENT_TIMESTAMP(3) - INTERVAL ${ttlS} SECOND LIMIT ${limit}`);
