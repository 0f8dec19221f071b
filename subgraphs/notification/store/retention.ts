import { join, sqltag as sql } from '@prisma/client/runtime/client';
import { firstIdAt } from '#platform/database/database.ts';
import type { Prune } from '#platform/database/pruning.ts';
import type { NotificationDatabase } from './database.ts';
import { pruneEventChanges } from './event-changes.ts';

/**
 * Event facts are kept this much longer than notifications, which need them. A notification may be retried on its last
 * day, and is then PENDING for at most a week.
 */
const FACTS_MARGIN_DAYS = 30;

/** Deletes SENT and FAILED notifications that were created more than `keepDays` ago. */
export const pruneNotifications =
  (database: NotificationDatabase, keepDays: number): Prune =>
  async (limit) =>
    database.$executeRaw(sql`
      DELETE FROM notifications WHERE id < ${await firstIdAfter(database, keepDays)} AND status <> 'PENDING'
      ORDER BY id LIMIT ${limit}`);

/** Deletes dead letters that were redriven, or stored and never redriven, more than `keepDays` ago. */
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

/** Deletes the facts and bookings of events that started so long ago that no notification needs them. */
export const pruneEventDetails =
  (database: NotificationDatabase, keepNotificationsDays: number): Prune =>
  async (limit) => {
    const isOld = sql`starts_at < CURRENT_TIMESTAMP(3) - INTERVAL ${keepNotificationsDays + FACTS_MARGIN_DAYS} DAY`;
    const old = await database.$queryRaw<{ eventId: string }[]>(sql`
      SELECT event_id AS eventId FROM event_facts WHERE ${isOld} ORDER BY starts_at LIMIT ${limit}`);
    if (old.length === 0) return 0;
    const ids = join(old.map(({ eventId }) => eventId));
    const bookings = await database.$executeRaw(sql`
      DELETE FROM event_bookings WHERE event_id IN (${ids}) LIMIT ${limit}`);
    if (bookings === limit) return limit;
    const events = await database.$executeRaw(sql`DELETE FROM event_facts WHERE event_id IN (${ids}) AND ${isOld}`);
    return Math.min(limit, bookings + events);
  };

/** Deletes the changes of events that happened so long ago that no notification is about them. */
export const pruneOldEventChanges = (database: NotificationDatabase, keepNotificationsDays: number): Prune =>
  pruneEventChanges(database, keepNotificationsDays + FACTS_MARGIN_DAYS);

/**
 * Deletes deliveries to endpoints that were created more than `keepDays` ago, whatever their status, and those of deleted
 * endpoints. The subquery reads one entry of the index for each endpoint.
 */
export const pruneWebhookDeliveries =
  (database: NotificationDatabase, keepDays: number): Prune =>
  async (limit) => {
    const old = await database.$executeRaw(sql`
      DELETE FROM webhook_deliveries WHERE id < ${await firstIdAfter(database, keepDays)} ORDER BY id LIMIT ${limit}`);
    if (old === limit) return limit;
    const [orphan] = await database.$queryRaw<{ webhookId: string }[]>(sql`
      SELECT delivered.webhook_id AS webhookId
      FROM (SELECT DISTINCT webhook_id FROM webhook_deliveries) AS delivered
      LEFT JOIN webhooks ON webhooks.id = delivered.webhook_id WHERE webhooks.id IS NULL LIMIT 1`);
    if (orphan === undefined) return old;
    const deleted = await database.$executeRaw(sql`
      DELETE FROM webhook_deliveries WHERE webhook_id = ${orphan.webhookId} ORDER BY id LIMIT ${limit - old}`);
    return old + deleted;
  };

/** Deletes messages whose organizer has stayed unknown for `days`: their events do not exist. */
export const pruneUnassignedMessages =
  (database: NotificationDatabase, days: number): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM unassigned_messages WHERE created_at < CURRENT_TIMESTAMP(3) - INTERVAL ${days} DAY
      ORDER BY created_at LIMIT ${limit}`);

/** Returns the lower bound of the UUIDv7s of the last `days` by the database's clock. Ids sort by time. */
async function firstIdAfter(database: NotificationDatabase, days: number): Promise<string> {
  const [row] = await database.$queryRaw<{ time: Date }[]>(sql`
    SELECT CURRENT_TIMESTAMP(3) - INTERVAL ${days} DAY AS time`);
  return firstIdAt(row?.time ?? new Date(0));
}
