import { Counter, Gauge, type Registry } from 'prom-client';
import type { NotificationDatabase } from '../store/database.ts';
import { countOpenNotifications } from '../store/notifications.ts';

/** The notifications are counted at most this often, because every process counts those of all processes. */
const COUNT_EVERY_MS = 15_000;

export type DeliveryMetrics = ReturnType<typeof createDeliveryMetrics>;

/** Creates the metrics of the delivery. `notifications` counts the notifications of all processes. */
export function createDeliveryMetrics({ database, metrics }: { database: NotificationDatabase; metrics: Registry }) {
  let countedAtMs = -Infinity;
  new Gauge({
    name: 'notifications',
    help: 'PENDING and FAILED notifications, each counted up to 100,000; NaN while the database is unavailable.',
    labelNames: ['status'] as const,
    registers: [metrics],
    async collect() {
      if (performance.now() - countedAtMs < COUNT_EVERY_MS) return;
      countedAtMs = performance.now();
      const counts = await countOpenNotifications(database).catch(() => ({ PENDING: Number.NaN, FAILED: Number.NaN }));
      for (const [status, count] of Object.entries(counts)) this.set({ status }, count);
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
