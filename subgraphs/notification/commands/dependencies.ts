import type { Broker } from '#platform/messaging/broker.ts';
import type { Worker } from '#platform/worker.ts';
import type { NotificationDatabase } from '../store/database.ts';

/** What the commands need from outside. */
export interface NotificationDependencies {
  readonly database: NotificationDatabase;
  readonly broker: Broker;
  /** What delivers PENDING notifications. */
  readonly delivery: Pick<Worker, 'nudge'>;
  /** A fresh UUIDv7. */
  readonly newId: () => string;
}
