import type { SqlClient } from '#platform/database/database.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { Poller } from '#platform/process/poller.ts';
import { afterFailedAttempt, ChannelAwayError, DeliveryRefusedError } from '../domain/delivery.ts';
import { composeNotice, type WebhookNotice } from '../domain/webhook-notice.ts';
import type { SendMail } from '../messaging/email-channel.ts';
import { claimWebhookNotices, saveWebhookNotice } from '../store/webhook-notices.ts';
import { createAttemptWorker } from './attempt-worker.ts';

const POLL_MS = 1_000;
/** Fewer than the connections to the mail server, so that other mails are sent at the same time. */
const MAILS_AT_ONCE = 2;
const TIMEOUT_MS = 10_000;
/** Longer than a mail can take, so that no other process sends the same mail in the meantime. */
const LEASE_S = 30;
/** The pause while the mail server is away. */
const AWAY = { status: 'PENDING', retryInMs: 60_000 } as const;

interface FinishedNotice {
  readonly notice: WebhookNotice;
  /** Null: the mail was sent or is given up. */
  readonly retryInMs: number | null;
}

/**
 * Mails the owners of endpoints that were switched off, at least once, on the connections of the notifications. A mail
 * that is not accepted is retried like a notification, for `retryHours`. Without a mail server (`send` is undefined),
 * only the log says it.
 */
export function createWebhookNoticeWorker({
  send,
  retryHours,
  database,
  logger,
}: {
  send: SendMail | undefined;
  retryHours: number;
  database: SqlClient;
  logger: Logger;
}): Poller {
  async function attempt(notice: WebhookNotice): Promise<FinishedNotice> {
    const { webhookId, attempts, reason, recipient } = notice;
    if (attempts === 1) logger.warn({ webhookId, reason }, 'a webhook endpoint was switched off');
    try {
      if (recipient === undefined) throw new Error('the owner is not known yet');
      const mail = { id: `${webhookId}-off`, recipient, ...composeNotice({ ...notice, recipient }) };
      await send?.(mail, AbortSignal.timeout(TIMEOUT_MS));
      return { notice, retryInMs: null };
    } catch (error) {
      const next = error instanceof ChannelAwayError ? AWAY : afterFailedAttempt(attempts, retryHours);
      const isLast = error instanceof DeliveryRefusedError || next.status === 'FAILED';
      logger.info({ err: error, webhookId, attempts, isLast }, 'the mail about a webhook endpoint was not sent');
      return { notice, retryInMs: isLast ? null : next.retryInMs };
    }
  }

  return createAttemptWorker({
    what: 'sending mails about webhooks',
    pollMs: POLL_MS,
    roomFor: (inFlight) => MAILS_AT_ONCE - inFlight,
    claim: (room) => claimWebhookNotices(database, { limit: room, leaseS: LEASE_S }),
    attempt,
    async save(finished) {
      for (const { notice, retryInMs } of finished) await saveWebhookNotice(database, notice, retryInMs);
    },
    idsOf: ({ webhookId }) => ({ webhookId }),
    logger,
  });
}
