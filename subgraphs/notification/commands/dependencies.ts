import type { Broker } from '#platform/messaging/broker.ts';
import type { Poller } from '#platform/process/poller.ts';
import type { NotificationChannel } from '../domain/notification.ts';
import type { NotificationDatabase } from '../store/database.ts';

/** What the commands need from outside. */
export interface NotificationDependencies {
  readonly database: NotificationDatabase;
  readonly broker: Broker;
  /** What delivers the PENDING notifications of each channel. */
  readonly deliveries: Readonly<Record<NotificationChannel, Pick<Poller, 'nudge'>>>;
  /** A fresh UUIDv7. */
  readonly newId: () => string;
}
