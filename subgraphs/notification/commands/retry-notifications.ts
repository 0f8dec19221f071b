import { isId } from '#platform/errors/validation.ts';
import type { RetryNotificationsRequest } from '../domain/bulk-input.ts';
import type { NotificationChannel } from '../domain/notification.ts';
import { findFailedNotifications, resetFailedNotifications } from '../store/failed-notifications.ts';
import type { NotificationDependencies } from './dependencies.ts';

/** Makes at most `limit` FAILED notifications PENDING again. Returns how many, and whether there are more. */
export async function retryNotifications(
  { database, deliveries }: Pick<NotificationDependencies, 'database' | 'deliveries'>,
  { filter, limit }: RetryNotificationsRequest,
): Promise<{ retriedCount: number; hasMore: boolean }> {
  // The id columns are ASCII: the database refuses to compare them with other text.
  const ids = [filter.eventId, filter.userId].filter((id) => id !== undefined);
  if (!ids.every(isId)) return { retriedCount: 0, hasMore: false };
  const found: string[] = [];
  const channels = Object.keys(deliveries) as NotificationChannel[];
  for (const channel of channels.filter((one) => one === (filter.channel ?? one))) {
    // One row more than the limit shows whether there are more.
    const more = await findFailedNotifications(database, channel, { filter, limit: limit + 1 - found.length });
    found.push(...more);
  }
  const retriedCount = await resetFailedNotifications(database, found.slice(0, limit));
  for (const channel of channels) deliveries[channel].nudge();
  return { retriedCount, hasMore: found.length > limit };
}
