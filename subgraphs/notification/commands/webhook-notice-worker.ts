import type { SqlClient } from '#platform/database/database.ts';
import type { Logger } from '#platform/process/logger.ts';
import { createOutageLog } from '#platform/process/outage-log.ts';
import { createPoller, type Poller } from '#platform/process/poller.ts';
import { afterFailedAttempt, ChannelAwayError, DeliveryRefusedError } from '../domain/delivery.ts';
import { composeNotice, type WebhookNotice } from '../domain/webhook-notice.ts';
import type { EmailChannel } from '../messaging/email-channel.ts';
import { claimWebhookNotices, saveWebhookNotice } from '../store/webhook-notices.ts';

const POLL_MS = 1_000;
const BATCH = 5;
const TIMEOUT_MS = 10_000;
const LEASE_S = 30;
/** The pause while the mail server is away. */
const AWAY = { status: 'PENDING', retryInMs: 60_000 } as const;

/**
 * Mails the owners of endpoints that were switched off, at least once, on the connections of the notifications. A mail
 * that is not accepted is retried like a notification, for `retryHours`. Without a mail server, the log is all.
 */
export function createWebhookNoticeWorker({
  mail,
  retryHours,
  database,
  logger,
}: {
  mail: Pick<EmailChannel, 'send'> | undefined;
  retryHours: number;
  database: SqlClient;
  logger: Logger;
}): Poller {
  const outage = createOutageLog({
    logger,
    began: 'mails about webhooks were interrupted; they will be retried',
    over: 'mails about webhooks are sent again',
  });

  async function tell(notice: WebhookNotice): Promise<void> {
    const { webhookId, attempts, reason, name, email } = notice;
    if (attempts === 1) logger.warn({ webhookId, reason }, 'a webhook endpoint was switched off');
    let retryInMs: number | null = null;
    try {
      if (name === null || email === null) throw new Error('the owner is not known yet');
      const content = composeNotice({ ...notice, name });
      await mail?.send({ id: `${webhookId}-off`, to: { name, email }, ...content }, AbortSignal.timeout(TIMEOUT_MS));
    } catch (error) {
      const next = error instanceof ChannelAwayError ? AWAY : afterFailedAttempt(attempts, retryHours);
      const isLast = error instanceof DeliveryRefusedError || next.status === 'FAILED';
      retryInMs = isLast ? null : next.retryInMs;
      logger.info({ err: error, webhookId, attempts, isLast }, 'the mail about a webhook endpoint was not sent');
    }
    // A crash before this line: the mail is sent again after the lease.
    await saveWebhookNotice(database, notice, retryInMs);
  }

  return createPoller({
    intervalMs: POLL_MS,
    async run() {
      const notices = await claimWebhookNotices(database, { limit: BATCH, leaseS: LEASE_S });
      await Promise.all(notices.map(tell));
      outage.succeeded();
      return notices.length === BATCH;
    },
    onError: (error) => outage.failed({ err: error }),
  });
}
