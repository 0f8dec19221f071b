import type DataLoader from 'dataloader';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import type { NotificationDependencies } from '../commands/dependencies.ts';
import type { Notification } from '../domain/notification.ts';
import type { NotificationPage } from '../store/notifications.ts';

/** A booking in this subgraph: a reference to it, to which this subgraph adds notifications. */
export interface BookingReference {
  readonly __typename: 'Booking';
  readonly id: string;
  /** Null when the reference does not contain the owner. */
  readonly ownerId: string | null;
}

/** A user in this subgraph: a reference to them, to which this subgraph adds notifications. */
export interface UserReference {
  readonly __typename: 'User';
  readonly id: string;
}

/** The data that the resolvers of one request share. */
export interface Context extends RequestContext {
  readonly dependencies: NotificationDependencies;
  readonly notifications: DataLoader<string, Notification | null>;
  /** By booking, oldest first. */
  readonly bookingNotifications: DataLoader<string, Notification[]>;
  readonly notificationPages: DataLoader<NotificationPage, Notification[], string>;
}
