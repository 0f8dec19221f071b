import { Counter, type Registry } from 'prom-client';
import type { SqlClient } from '#platform/database/database.ts';
import type { Sealer } from '#platform/messaging/sealer.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { Poller } from '#platform/process/poller.ts';
import { composeAccountMail, pauseAfterS } from '../domain/account-mail.ts';
import { DeliveryRefusedError } from '../domain/delivery.ts';
import type { SendMail } from '../messaging/email-channel.ts';
import { claimAccountMails, type DueAccountMail, deleteAccountMail, retryAccountMail } from '../store/account-mails.ts';
import { createAttemptWorker } from './attempt-worker.ts';

const POLL_MS = 1_000;
/** Fewer than the connections to the mail server, so that notifications are sent at the same time. */
const MAILS_AT_ONCE = 3;
const TIMEOUT_MS = 10_000;
/** Longer than a mail can take, so that no other process sends the same mail in the meantime. */
const LEASE_S = 30;

const OUTCOMES = ['sent', 'retried', 'failed'] as const;

interface FinishedMail extends DueAccountMail {
  readonly outcome: (typeof OUTCOMES)[number];
}

/**
 * Sends mails with tokens and deletes each when it was sent. A failed mail is retried until its token expires, and given
 * up when the mail server refuses it for good. Without a mail server (`send` is undefined) the mails are given up: a
 * token must not be in the log. After a crash between sending and deleting, a mail is sent again with the same
 * Message-ID. `stop` finishes the mails in flight.
 */
export function createAccountMailWorker({
  send,
  sealer,
  publicUrl,
  database,
  logger,
  metrics,
}: {
  send: SendMail | undefined;
  sealer: Pick<Sealer, 'open'>;
  /** The address of the box office, or of another front end with its paths. */
  publicUrl: string;
  database: SqlClient;
  logger: Logger;
  metrics: Registry;
}): Poller {
  const counter = new Counter({
    name: 'account_mail_attempts_total',
    help: 'Attempts to send a mail with a token, by outcome: sent, retried (later) or failed (permanently).',
    labelNames: ['outcome'] as const,
    registers: [metrics],
  });
  // Prometheus sees an increase only if it has scraped the series before.
  for (const outcome of OUTCOMES) counter.inc({ outcome }, 0);

  async function outcomeOf({ mail, recipient }: DueAccountMail): Promise<FinishedMail['outcome']> {
    const { userId, kind, messageId, sealedToken, expiresAt, attempts, requestId } = mail;
    const about = { kind, userId, messageId, attempts, requestId };
    if (send === undefined) {
      logger.warn(about, 'SMTP_URL is not set, so the mail with a token is not sent');
      return 'failed';
    }
    try {
      if (recipient === undefined) throw new Error('the recipient is not known yet');
      const token = sealer.open(sealedToken, userId);
      const content = composeAccountMail({ kind, recipient, token, expiresAt, publicUrl });
      await send({ ...content, id: messageId, recipient }, AbortSignal.timeout(TIMEOUT_MS));
      logger.info(about, 'mail with a token sent');
      return 'sent';
    } catch (error) {
      const isLast = error instanceof DeliveryRefusedError;
      if (isLast) logger.error({ err: error, ...about }, 'mail with a token failed');
      else logger.info({ err: error, ...about }, 'mail with a token was not sent; it will be retried');
      return isLast ? 'failed' : 'retried';
    }
  }

  return createAttemptWorker({
    what: 'sending mails with tokens',
    pollMs: POLL_MS,
    roomFor: (inFlight) => MAILS_AT_ONCE - inFlight,
    claim: (room) => claimAccountMails(database, { limit: room, leaseS: LEASE_S }),
    async attempt(due): Promise<FinishedMail> {
      const outcome = await outcomeOf(due);
      counter.inc({ outcome });
      return { ...due, outcome };
    },
    async save(finished) {
      for (const { mail, outcome } of finished) {
        if (outcome === 'retried') await retryAccountMail(database, mail, pauseAfterS(mail.attempts));
        else await deleteAccountMail(database, mail);
      }
    },
    idsOf: ({ mail: { messageId } }) => ({ messageId }),
    logger,
  });
}
