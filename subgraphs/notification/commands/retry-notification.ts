import type { Notification } from '../domain/notification.ts';
import { resetFailedNotifications } from '../store/failed-notifications.ts';
import { findNotifications } from '../store/notifications.ts';
import type { NotificationDependencies } from './dependencies.ts';

/** Makes a FAILED notification PENDING again. Returns null when it does not exist or is not FAILED. */
export async function retryNotification(
  { database, deliveries }: Pick<NotificationDependencies, 'database' | 'deliveries'>,
  id: string,
): Promise<Notification | null> {
  if ((await resetFailedNotifications(database, [id])) === 0) return null;
  const [notification] = await findNotifications(database, [id]);
  if (notification !== undefined) deliveries[notification.channel].nudge();
  return notification ?? null;
}
