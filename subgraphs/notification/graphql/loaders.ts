import DataLoader from 'dataloader';
import { isId } from '#platform/errors/validation.ts';
import type { NotificationDependencies } from '../commands/dependencies.ts';
import { findEventChanges } from '../store/event-changes.ts';
import { findNotifications, findNotificationsOf, listNotificationPages } from '../store/notifications.ts';
import { listWebhookDeliveryPages } from '../store/webhook-deliveries.ts';
import { findWebhooksOf } from '../store/webhooks.ts';
import type { Context } from './context.ts';

const BATCH_MAX = 1_000;
const PAGES_PER_STATEMENT_MAX = 100;

type Loaders = Pick<
  Context,
  | 'notifications'
  | 'bookingNotifications'
  | 'eventChanges'
  | 'notificationPages'
  | 'userWebhooks'
  | 'webhookDeliveryPages'
>;

/** Creates the loaders of a request. Each batches concurrent loads into one statement. */
export const createLoaders = ({ database }: NotificationDependencies): Loaders => ({
  notifications: new DataLoader(
    async (ids) => {
      const found = await findNotifications(database, ids.filter(isId));
      const byId = new Map(found.map((notification) => [notification.id, notification]));
      return ids.map((id) => byId.get(id) ?? null);
    },
    { maxBatchSize: BATCH_MAX },
  ),
  bookingNotifications: new DataLoader(
    async (bookingIds) => {
      const found = await findNotificationsOf(database, bookingIds.filter(isId));
      const byBooking = Map.groupBy(found, ({ bookingId }) => bookingId);
      return bookingIds.map((id) => byBooking.get(id) ?? []);
    },
    { maxBatchSize: BATCH_MAX },
  ),
  eventChanges: new DataLoader(
    async (ids) => {
      const found = new Map((await findEventChanges(database, ids)).map((change) => [change.id, change]));
      return ids.map((id) => found.get(id) ?? null);
    },
    { maxBatchSize: BATCH_MAX },
  ),
  notificationPages: new DataLoader((pages) => listNotificationPages(database, pages), {
    maxBatchSize: PAGES_PER_STATEMENT_MAX,
    cacheKeyFn: ({ userId, page: { limit, after } }) => [userId, limit, after?.[0]].join(),
  }),
  userWebhooks: new DataLoader(
    async (userIds) => {
      const byOwner = Map.groupBy(await findWebhooksOf(database, userIds.filter(isId)), ({ userId }) => userId);
      return userIds.map((id) => byOwner.get(id) ?? []);
    },
    // A mutation of the same request may change them.
    { maxBatchSize: BATCH_MAX, cache: false },
  ),
  webhookDeliveryPages: new DataLoader((pages) => listWebhookDeliveryPages(database, pages), {
    maxBatchSize: PAGES_PER_STATEMENT_MAX,
    cache: false,
  }),
});
