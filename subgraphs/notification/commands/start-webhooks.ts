import type { Registry } from 'prom-client';
import type { SqlClient } from '#platform/database/database.ts';
import type { Logger } from '#platform/process/logger.ts';
import { webhookRules } from '../domain/webhook-input.ts';
import type { EventFactsClient } from '../event-facts-client.ts';
import type { EmailChannel } from '../messaging/email-channel.ts';
import { createWebhookSender } from '../messaging/webhook-sender.ts';
import { createSecretBox } from '../store/secret-box.ts';
import { createMessageAssigner } from './message-assigner.ts';
import { createWebhookMetrics } from './webhook-metrics.ts';
import { createWebhookNoticeWorker } from './webhook-notice-worker.ts';
import { createWebhookWorker } from './webhook-worker.ts';

/** Starts the background work of webhooks. Returns what the commands need, and how to stop the work. */
export function startWebhooks({
  config,
  mail,
  eventFacts,
  newId,
  database,
  logger,
  metrics,
}: {
  config: {
    readonly WEBHOOK_SECRETS_KEY: readonly string[];
    readonly WEBHOOK_PRIVATE_ADDRESSES: 'allow' | 'refuse';
    readonly NOTIFICATION_RETRY_HOURS: number;
  };
  mail: Pick<EmailChannel, 'send'> | undefined;
  eventFacts: EventFactsClient;
  newId: () => string;
  database: SqlClient;
  logger: Logger;
  metrics: Registry;
}) {
  const allowPrivate = config.WEBHOOK_PRIVATE_ADDRESSES === 'allow';
  const secretBox = createSecretBox(config.WEBHOOK_SECRETS_KEY);
  const sender = createWebhookSender({ allowPrivate });
  const worker = createWebhookWorker({
    sender,
    secretBox,
    database,
    logger,
    metrics: createWebhookMetrics({ database, metrics }),
  });
  const assigner = createMessageAssigner({ eventFacts, onAssigned: worker.nudge, newId, database, logger });
  const notices = createWebhookNoticeWorker({ mail, retryHours: config.NOTIFICATION_RETRY_HOURS, database, logger });
  return {
    worker,
    secretBox,
    rules: webhookRules({ allowPrivate }),
    async stop(): Promise<void> {
      await Promise.all([assigner.stop(), worker.stop(), notices.stop()]);
      await sender.close();
    },
  };
}
