import type DataLoader from 'dataloader';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import type { NotificationDependencies } from '../commands/dependencies.ts';
import type { Notification } from '../domain/notification.ts';
import type { NotificationPage } from '../store/notifications.ts';

/** A booking as this subgraph knows it: by reference, and by its notifications. */
export interface BookingReference {
  readonly __typename: 'Booking';
  readonly id: string;
  /** Null where the booking subgraph was not asked. */
  readonly ownerId: string | null;
}

/** A user as this subgraph knows it: by reference, and by its notifications. */
export interface UserReference {
  readonly __typename: 'User';
  readonly id: string;
}

/** What the resolvers of one request share. */
export interface Context extends RequestContext {
  readonly dependencies: NotificationDependencies;
  readonly notifications: DataLoader<string, Notification | null>;
  /** By booking, oldest first. */
  readonly bookingNotifications: DataLoader<string, Notification[]>;
  readonly notificationPages: DataLoader<NotificationPage, Notification[], string>;
}
