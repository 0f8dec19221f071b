import type { SqlClient } from '#platform/database/database.ts';
import type { Sealer } from '#platform/messaging/sealer.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { Poller } from '#platform/process/poller.ts';
import {
  type BusyEndpoint,
  type ClaimedDelivery,
  FAILING_HOURS_MAX,
  type InFlightLimits,
  outcomeOfAttempt,
  shareRoom,
} from '../domain/webhook-delivery.ts';
import type { WebhookSender } from '../messaging/webhook-sender.ts';
import {
  claimWebhookDeliveries,
  type FinishedWebhookAttempt,
  findDueEndpoints,
  saveWebhookAttempts,
} from '../store/webhook-queue.ts';
import { createAttemptWorker } from './attempt-worker.ts';
import type { WebhookMetrics } from './webhook-metrics.ts';

const POLL_MS = 500;
const PAUSE_MS = 50;
/** Longer than a request can take, so that no other process sends the same request in the meantime. */
const LEASE_S = 30;
/** The requests of one process at once. A failing endpoint gets one at a time. */
export const LIMITS: InFlightLimits = { total: 100, perEndpoint: 5, failing: 50 };

type BusyDelivery = ClaimedDelivery & BusyEndpoint;

/**
 * Sends due deliveries to the endpoints of organizers as createAttemptWorker describes, with the bounds of LIMITS, so that
 * a slow endpoint delays no other. It shares no connection and no limit with the mails. After a crash, an endpoint may get
 * the same request twice, with the same webhook-id.
 */
export function createWebhookWorker({
  sender,
  sealer,
  database,
  logger,
  metrics,
  limits = LIMITS,
  random = Math.random,
}: {
  sender: Pick<WebhookSender, 'send'>;
  sealer: Pick<Sealer, 'open'>;
  database: SqlClient;
  logger: Logger;
  metrics: WebhookMetrics;
  limits?: InFlightLimits;
  random?: () => number;
}): Poller {
  async function claim(_room: number, inFlight: readonly BusyDelivery[]): Promise<BusyDelivery[]> {
    // Endpoints in flight may have more due deliveries than their share: they must not fill the whole answer.
    const due = await findDueEndpoints(database, limits.total + inFlight.length);
    const share = shareRoom(due, inFlight, limits);
    if (share.size === 0) return [];
    const failing = new Set(due.filter(({ isFailing }) => isFailing).map(({ webhookId }) => webhookId));
    const claimed = await claimWebhookDeliveries(database, share, LEASE_S);
    return claimed.map((delivery) => ({ ...delivery, isFailing: failing.has(delivery.webhookId) }));
  }

  async function attempt(delivery: BusyDelivery): Promise<FinishedWebhookAttempt> {
    const { id, webhookId, attempts, messageId, payload, url, requestId, kind } = delivery;
    const end = { id, webhookId, attempts, retryInMs: 0, disable: undefined };
    // Without secrets, the endpoint was just deleted. Nothing is sent without a signature.
    if (!delivery.enabled || delivery.sealedSecrets.length === 0) {
      metrics.attempts.inc({ outcome: 'refused' });
      return { ...end, attempt: null, status: 'FAILED' };
    }
    const startedAt = new Date();
    const beganMs = performance.now();
    const secrets = delivery.sealedSecrets.map((sealed) => sealer.open(sealed, webhookId));
    const answer = await sender.send({ url, messageId, payload, secrets });
    const made = { ...answer, startedAt, durationMs: Math.round(performance.now() - beganMs) };
    const result = outcomeOfAttempt(answer, { attempts, chance: random() });
    const about = { webhookId, deliveryId: id, messageId, kind, attempts, requestId, ...answer };
    metrics.attempts.inc({ outcome: result.outcome });
    switch (result.outcome) {
      case 'delivered':
        logger.info(about, 'webhook delivered');
        return { ...end, attempt: made, status: 'DELIVERED' };
      case 'retried':
        logger.info(about, 'webhook was not delivered; it will be retried');
        return { ...end, attempt: made, status: 'PENDING', retryInMs: result.retryInMs };
      case 'failed':
        // Not an error of this system, so not an error in its log.
        logger.warn(about, 'webhook failed');
        return { ...end, attempt: made, status: 'FAILED', disable: result.disable };
    }
  }

  return createAttemptWorker({
    what: 'the delivery of webhooks',
    pollMs: POLL_MS,
    pauseMs: PAUSE_MS,
    roomFor: (inFlight) => limits.total - inFlight,
    claim,
    attempt,
    save: (finished) => saveWebhookAttempts(database, finished, FAILING_HOURS_MAX),
    idsOf: ({ id: deliveryId, webhookId }) => ({ deliveryId, webhookId }),
    logger,
  });
}
