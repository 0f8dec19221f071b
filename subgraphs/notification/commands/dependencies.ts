import type { Broker } from '#platform/messaging/broker.ts';
import type { Sealer } from '#platform/messaging/sealer.ts';
import type { Poller } from '#platform/process/poller.ts';
import type { NotificationChannel } from '../domain/notification.ts';
import type { WebhookRules } from '../domain/webhook-input.ts';
import type { NotificationDatabase } from '../store/database.ts';

/** The services that the commands use. */
export interface NotificationDependencies {
  readonly database: NotificationDatabase;
  readonly broker: Broker;
  /** The delivery workers, by channel. */
  readonly deliveries: Readonly<Record<NotificationChannel, Pick<Poller, 'nudge'>>>;
  readonly webhooks: WebhookDependencies;
  /** A fresh UUIDv7. */
  readonly newId: () => string;
}

export interface WebhookDependencies {
  readonly worker: Pick<Poller, 'nudge'>;
  /** Encrypts the secrets of endpoints, each for the id of its endpoint. */
  readonly sealer: Pick<Sealer, 'seal'>;
  readonly rules: WebhookRules;
}
