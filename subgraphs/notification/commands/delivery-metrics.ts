import { Counter, Gauge, type Registry } from 'prom-client';
import type { NotificationDatabase } from '../store/database.ts';
import { countPendingNotifications } from '../store/notifications.ts';

export type DeliveryMetrics = ReturnType<typeof createDeliveryMetrics>;

/** Creates the metrics of the delivery. `notifications_pending` counts the notifications of all processes. */
export function createDeliveryMetrics({ database, metrics }: { database: NotificationDatabase; metrics: Registry }) {
  new Gauge({
    name: 'notifications_pending',
    help: 'Notifications that are neither SENT nor FAILED; NaN while the database is unavailable.',
    registers: [metrics],
    async collect() {
      this.set(await countPendingNotifications(database).catch(() => Number.NaN));
    },
  });
  return {
    attempts: new Counter({
      name: 'notification_attempts_total',
      help: 'Delivery attempts by outcome: sent, postponed (channel away), retried (later) or failed (permanently).',
      labelNames: ['channel', 'outcome'] as const,
      registers: [metrics],
    }),
    away: new Gauge({
      name: 'notification_channel_away',
      help: '1 while the channel is unavailable: its notifications wait, and one delivery at a time probes it.',
      labelNames: ['channel'] as const,
      registers: [metrics],
    }),
  };
}
