import type { Registry } from 'prom-client';
import { createCallMetrics } from '#platform/clients/call-metrics.ts';
import { createGraphQLClient } from '#platform/clients/graphql-client.ts';
import type { SqlClient } from '#platform/database/database.ts';
import { createSealer } from '#platform/messaging/sealer.ts';
import type { Logger } from '#platform/process/logger.ts';
import { webhookRules } from '../domain/webhook-input.ts';
import { createEventFactsClient } from '../event-facts-client.ts';
import type { SendMail } from '../messaging/email-channel.ts';
import { createWebhookSender } from '../messaging/webhook-sender.ts';
import { createMessageAssigner } from './message-assigner.ts';
import { createWebhookMetrics } from './webhook-metrics.ts';
import { createWebhookNoticeWorker } from './webhook-notice-worker.ts';
import { createWebhookWorker } from './webhook-worker.ts';

/** Starts the background work of webhooks. Returns what the commands need, and how to stop the work. */
export function startWebhooks({
  config,
  send,
  newId,
  database,
  logger,
  metrics,
}: {
  config: {
    readonly WEBHOOK_SECRETS_KEY: readonly string[];
    readonly WEBHOOK_PRIVATE_ADDRESSES: 'allow' | 'refuse';
    readonly NOTIFICATION_RETRY_HOURS: number;
    readonly EVENT_SUBGRAPH_URL: string;
    readonly EVENT_SUBGRAPH_SECRET: readonly [string, ...string[]];
    readonly EVENT_SUBGRAPH_TIMEOUT_MS: number;
  };
  send: SendMail | undefined;
  newId: () => string;
  database: SqlClient;
  logger: Logger;
  metrics: Registry;
}) {
  const allowPrivate = config.WEBHOOK_PRIVATE_ADDRESSES === 'allow';
  const sealer = createSealer(config.WEBHOOK_SECRETS_KEY);
  const sender = createWebhookSender({ allowPrivate });
  const worker = createWebhookWorker({
    sender,
    sealer,
    database,
    logger,
    metrics: createWebhookMetrics({ database, metrics }),
  });
  const eventClient = createGraphQLClient({
    url: config.EVENT_SUBGRAPH_URL,
    secret: config.EVENT_SUBGRAPH_SECRET[0],
    callMetrics: createCallMetrics({ server: 'event', metrics, logger }),
  });
  const eventFacts = createEventFactsClient(eventClient, config.EVENT_SUBGRAPH_TIMEOUT_MS);
  const assigner = createMessageAssigner({ eventFacts, onAssigned: worker.nudge, newId, database, logger });
  const notices = createWebhookNoticeWorker({ send, retryHours: config.NOTIFICATION_RETRY_HOURS, database, logger });
  return {
    worker,
    sealer,
    rules: webhookRules({ allowPrivate }),
    async stop(): Promise<void> {
      await Promise.all([assigner.stop(), worker.stop(), notices.stop()]);
      await Promise.all([sender.close(), eventClient.close()]);
    },
  };
}
