import type { Broker } from '#platform/messaging/broker.ts';
import type { Poller } from '#platform/process/poller.ts';
import type { NotificationChannel } from '../domain/notification.ts';
import type { NotificationDatabase } from '../store/database.ts';

/** The services that the commands use. */
export interface NotificationDependencies {
  readonly database: NotificationDatabase;
  readonly broker: Broker;
  /** The delivery workers, by channel. */
  readonly deliveries: Readonly<Record<NotificationChannel, Pick<Poller, 'nudge'>>>;
  /** A fresh UUIDv7. */
  readonly newId: () => string;
}
