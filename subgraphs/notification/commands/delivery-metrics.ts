import { Counter, Gauge, type Registry } from 'prom-client';
import type { NotificationDatabase } from '../store/database.ts';
import { countPendingNotifications } from '../store/notifications.ts';

export type DeliveryMetrics = ReturnType<typeof createDeliveryMetrics>;

/** What the delivery of notifications counts, and how many are still to be delivered, by any process. */
export function createDeliveryMetrics({ database, metrics }: { database: NotificationDatabase; metrics: Registry }) {
  new Gauge({
    name: 'notifications_pending',
    help: 'Notifications that are neither SENT nor FAILED; not a number while the database is away.',
    registers: [metrics],
    async collect() {
      this.set(await countPendingNotifications(database).catch(() => Number.NaN));
    },
  });
  return {
    attempts: new Counter({
      name: 'notification_attempts_total',
      help: 'Deliveries attempted: sent, postponed (the channel is away), retried (made again later) or failed (for good).',
      labelNames: ['channel', 'outcome'] as const,
      registers: [metrics],
    }),
    away: new Gauge({
      name: 'notification_channel_away',
      help: '1 while the channel reaches nobody: its notifications wait, and one at a time probes it.',
      labelNames: ['channel'] as const,
      registers: [metrics],
    }),
  };
}
