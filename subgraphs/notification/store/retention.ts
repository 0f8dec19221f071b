import { sqltag as sql } from '@prisma/client/runtime/client';
import type { Prune } from '#platform/database/pruning.ts';
import type { NotificationDatabase } from './database.ts';

/**
 * How much longer than a notification the facts are kept that it needs: it may be retried on its last day, and is PENDING
 * for a week then at the most.
 */
const FACTS_MARGIN_DAYS = 30;

/** Deletes what was SENT or FAILED and was made longer ago; what is PENDING stays. */
export const pruneNotifications =
  (database: NotificationDatabase, keepDays: number): Prune =>
  async (limit) =>
    database.$executeRaw(sql`
      DELETE FROM notifications WHERE id < ${await firstIdAfter(database, keepDays)} AND status <> 'PENDING'
      ORDER BY id LIMIT ${limit}`);

/** Deletes dead letters that were put back longer ago, and those that nobody wanted for as long. */
export const pruneDeadLetters =
  (database: NotificationDatabase, keepDays: number): Prune =>
  async (limit) => {
    const redriven = await database.$executeRaw(sql`
      DELETE FROM dead_letters WHERE redriven_at < CURRENT_TIMESTAMP(3) - INTERVAL ${keepDays} DAY
      ORDER BY redriven_at LIMIT ${limit}`);
    if (redriven === limit) return limit;
    return (
      redriven +
      (await database.$executeRaw(sql`
        DELETE FROM dead_letters WHERE redriven_at IS NULL AND id < ${await firstIdAfter(database, keepDays)}
        ORDER BY id LIMIT ${limit - redriven}`))
    );
  };

/** Deletes the facts of events that began so long ago that no notification needs them. */
export const pruneEventDetails =
  (database: NotificationDatabase, keepNotificationsDays: number): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM event_facts
      WHERE starts_at < CURRENT_TIMESTAMP(3) - INTERVAL ${keepNotificationsDays + FACTS_MARGIN_DAYS} DAY
      ORDER BY starts_at LIMIT ${limit}`);

/** The lowest UUIDv7 of so many days ago, by the database's clock: ids sort by time, so no other index is needed. */
async function firstIdAfter(database: NotificationDatabase, days: number): Promise<string> {
  const [row] = await database.$queryRaw<{ time: Date }[]>(sql`
    SELECT CURRENT_TIMESTAMP(3) - INTERVAL ${days} DAY AS time`);
  const hex = (row?.time.getTime() ?? 0).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
