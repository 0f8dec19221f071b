import { Counter, Gauge, type Registry } from 'prom-client';
import type { SqlExecutor } from '#platform/database/database.ts';
import { countWaitingWebhooks } from '../store/webhook-deliveries.ts';
import { countDisabledWebhooks } from '../store/webhooks.ts';

/** As for the notifications, see createDeliveryMetrics. */
const COUNT_EVERY_MS = 15_000;

/** The outcomes of an attempt. `refused` counts deliveries whose endpoint is off. */
const WEBHOOK_OUTCOMES = ['delivered', 'retried', 'failed', 'refused'] as const;

export type WebhookMetrics = ReturnType<typeof createWebhookMetrics>;

/** Creates the metrics of webhooks. The gauges count the rows of all processes. */
export function createWebhookMetrics({ database, metrics }: { database: SqlExecutor; metrics: Registry }) {
  let countedAtMs = -Infinity;
  const disabled = new Gauge({
    name: 'webhooks_disabled',
    help: 'Endpoints of organizers that are off by reason, each counted up to 100,000.',
    labelNames: ['reason'] as const,
    registers: [metrics],
  });
  const unassigned = new Gauge({
    name: 'webhook_unassigned_messages',
    help: 'Messages about bookings whose organizer is not known yet, counted up to 100,000.',
    registers: [metrics],
  });
  new Gauge({
    name: 'webhook_pending_deliveries',
    help: 'PENDING deliveries to endpoints, counted up to 100,000; NaN while the database is unavailable.',
    registers: [metrics],
    async collect() {
      if (performance.now() - countedAtMs < COUNT_EVERY_MS) return;
      countedAtMs = performance.now();
      const reasons = { OWNER: Number.NaN, GONE: Number.NaN, FAILING: Number.NaN };
      const none = { deliveries: Number.NaN, unassigned: Number.NaN };
      const counts = await countDisabledWebhooks(database).catch(() => reasons);
      const waiting = await countWaitingWebhooks(database).catch(() => none);
      for (const [reason, count] of Object.entries(counts)) disabled.set({ reason }, count);
      unassigned.set(waiting.unassigned);
      this.set(waiting.deliveries);
    },
  });
  const attempts = new Counter({
    name: 'webhook_attempts_total',
    help: 'Attempts to deliver to endpoints by outcome: delivered, retried (later), failed, or refused (endpoint off).',
    labelNames: ['outcome'] as const,
    registers: [metrics],
  });
  // Prometheus sees an increase only if it has scraped the series before.
  for (const outcome of WEBHOOK_OUTCOMES) attempts.inc({ outcome }, 0);
  return { attempts };
}
