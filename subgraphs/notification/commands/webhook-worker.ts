import type { SqlClient } from '#platform/database/database.ts';
import type { Logger } from '#platform/process/logger.ts';
import { createPoller, type Poller } from '#platform/process/poller.ts';
import {
  type BusyEndpoint,
  type ClaimedDelivery,
  FAILING_HOURS_MAX,
  type InFlightLimits,
  outcomeOfAttempt,
  shareRoom,
} from '../domain/webhook-delivery.ts';
import type { WebhookSender } from '../messaging/webhook-sender.ts';
import type { SecretBox } from '../store/secret-box.ts';
import {
  claimWebhookDeliveries,
  type FinishedWebhookAttempt,
  findDueEndpoints,
  saveWebhookAttempts,
} from '../store/webhook-queue.ts';
import type { WebhookMetrics } from './webhook-metrics.ts';

const POLL_MS = 500;
/** As in the delivery worker: under load, this pause collects outcomes and deliveries into batches. */
const PAUSE_MS = 50;
/** Longer than a request can take, so that no other process sends the same request in the meantime. */
const LEASE_S = 30;
/** The requests of one process at once. A failing endpoint gets one at a time. */
export const LIMITS: InFlightLimits = { total: 100, perEndpoint: 5, failing: 50 };

/**
 * Sends due deliveries to the endpoints of organizers, with the bounds of LIMITS, so that a slow endpoint delays no
 * other. It shares no connection and no limit with the mails. The request may be sent twice, with the same webhook-id:
 * the worker saves outcomes before it claims more deliveries, and after a crash the lease ends. `stop` starts no more
 * requests and waits for those in flight.
 */
export function createWebhookWorker({
  sender,
  secretBox,
  database,
  logger,
  metrics,
  limits = LIMITS,
  random = Math.random,
}: {
  sender: Pick<WebhookSender, 'send'>;
  secretBox: Pick<SecretBox, 'open'>;
  database: SqlClient;
  logger: Logger;
  metrics: WebhookMetrics;
  limits?: InFlightLimits;
  random?: () => number;
}): Poller {
  /** One entry for each request, until its outcome is saved. */
  const inFlight = new Map<Promise<void>, BusyEndpoint>();
  /** Attempts whose outcome is not saved yet, oldest first. */
  const finished: FinishedWebhookAttempt[] = [];
  let stopping = false;
  let interrupted = false;

  const poller = createPoller({
    intervalMs: POLL_MS,
    pauseMs: PAUSE_MS,
    async run() {
      await saveOutcomes();
      interrupted = false;
      if (stopping || inFlight.size >= limits.total) return false;
      // Endpoints in flight may have more due deliveries than their share: they must not fill the whole answer.
      const due = await findDueEndpoints(database, limits.total + inFlight.size);
      const share = shareRoom(due, [...inFlight.values()], limits);
      if (share.size === 0) return false;
      const failing = new Set(due.filter(({ isFailing }) => isFailing).map(({ webhookId }) => webhookId));
      const claimed = await claimWebhookDeliveries(database, share, LEASE_S);
      for (const delivery of claimed) begin(delivery, failing.has(delivery.webhookId));
      return false;
    },
    onError(error) {
      if (!interrupted) logger.warn({ err: error }, 'the delivery of webhooks was interrupted; it will be retried');
      interrupted = true;
    },
  });

  function begin(delivery: ClaimedDelivery, isFailing: boolean): void {
    const ended = attempt(delivery)
      .then((one) => void finished.push(one))
      .catch((error) => {
        // A fault of this process: the lease ends, and the delivery is attempted again.
        logger.error({ err: error, deliveryId: delivery.id, webhookId: delivery.webhookId }, 'webhook attempt failed');
      })
      .then(() => {
        inFlight.delete(ended);
        poller.nudge();
      });
    inFlight.set(ended, { webhookId: delivery.webhookId, isFailing });
  }

  async function attempt(delivery: ClaimedDelivery): Promise<FinishedWebhookAttempt> {
    const { id, webhookId, attempts, messageId, payload, url, requestId, kind } = delivery;
    const end = { id, webhookId, attempts, retryInMs: 0, disable: undefined };
    // Without secrets, the endpoint was just deleted. Nothing is sent without a signature.
    if (!delivery.enabled || delivery.sealedSecrets.length === 0) {
      metrics.attempts.inc({ outcome: 'refused' });
      return { ...end, attempt: null, status: 'FAILED' };
    }
    const startedAt = new Date();
    const beganMs = performance.now();
    const secrets = delivery.sealedSecrets.map((sealed) => secretBox.open(sealed, webhookId));
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

  /** @throws while the database is unavailable; the unsaved outcomes are kept for the next call */
  async function saveOutcomes(): Promise<void> {
    const saving = [...finished];
    await saveWebhookAttempts(database, saving, FAILING_HOURS_MAX);
    finished.splice(0, saving.length);
  }

  return {
    nudge: poller.nudge,
    async stop() {
      stopping = true;
      await poller.stop();
      await Promise.all(inFlight.keys());
      await saveOutcomes();
    },
  };
}
