import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { RetryNotificationsRequest } from '../domain/bulk-input.ts';
import type { NotificationChannel } from '../domain/notification.ts';
import type { NotificationDatabase } from './database.ts';

/** Returns the ids of a channel's FAILED notifications, in the order in which they failed. */
export async function findFailedNotifications(
  database: NotificationDatabase,
  channel: NotificationChannel,
  { filter, limit }: RetryNotificationsRequest,
): Promise<string[]> {
  if (limit <= 0) return [];
  const { kind, eventId, userId, createdFrom, createdBefore } = filter;
  const conditions = [
    sql`status = 'FAILED' AND channel = ${channel}`,
    ...(kind === undefined ? [] : [sql`kind = ${kind}`]),
    ...(eventId === undefined ? [] : [sql`event_id = ${eventId}`]),
    ...(userId === undefined ? [] : [sql`user_id = ${userId}`]),
    ...(createdFrom === undefined ? [] : [sql`created_at >= ${createdFrom}`]),
    ...(createdBefore === undefined ? [] : [sql`created_at < ${createdBefore}`]),
  ];
  const rows = await database.$queryRaw<{ id: string }[]>(sql`
    SELECT id FROM notifications WHERE ${join(conditions, ' AND ')} ORDER BY next_attempt_at LIMIT ${limit}`);
  return rows.map(({ id }) => id);
}

/** Makes FAILED notifications PENDING and due, with no attempts counted. Returns how many of them were FAILED. */
export async function resetFailedNotifications(
  database: NotificationDatabase,
  ids: readonly string[],
): Promise<number> {
  if (ids.length === 0) return 0;
  return database.$executeRaw(sql`
    UPDATE notifications SET status = 'PENDING', attempts = 0, next_attempt_at = CURRENT_TIMESTAMP(3)
    WHERE id IN (${join([...ids])}) AND status = 'FAILED'`);
}
