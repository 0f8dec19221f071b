import type DataLoader from 'dataloader';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import type { NotificationDependencies } from '../commands/dependencies.ts';
import type { EventChange } from '../domain/event-change.ts';
import type { Notification } from '../domain/notification.ts';
import type { Webhook, WebhookDelivery } from '../domain/webhook.ts';
import type { NotificationPage } from '../store/notifications.ts';
import type { WebhookDeliveryPage } from '../store/webhook-deliveries.ts';

/** The data that the resolvers of one request share. */
export interface Context extends RequestContext {
  readonly dependencies: NotificationDependencies;
  readonly notifications: DataLoader<string, Notification | null>;
  /** By booking, oldest first. */
  readonly bookingNotifications: DataLoader<string, Notification[]>;
  readonly eventChanges: DataLoader<string, EventChange | null>;
  readonly notificationPages: DataLoader<NotificationPage, Notification[], string>;
  /** By owner, oldest first. */
  readonly userWebhooks: DataLoader<string, Webhook[]>;
  readonly webhookDeliveryPages: DataLoader<WebhookDeliveryPage, WebhookDelivery[], string>;
}
