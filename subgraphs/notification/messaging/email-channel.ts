import { createTransport } from 'nodemailer';
import type { MailSettings } from '../config.ts';
import { type Channel, ChannelAwayError, DeliveryRefusedError, type Recipient } from '../domain/delivery.ts';
import { composeMail, type MailContent } from '../domain/mail.ts';

/** Low enough for any provider. Further mails wait in the database and lose no attempt. */
const CONNECTIONS_MAX = 5;
const MAILS_PER_CONNECTION_MAX = 100;

/** Each timeout must be shorter than the next one, and all must be shorter than the delivery's timeout of 10 s. */
const DNS_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 5_000;
const SILENCE_TIMEOUT_MS = 8_000;
/** Must be shorter than SILENCE_TIMEOUT_MS: idle connections are then closed before they time out. */
const IDLE_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 1_000;

/** A mail to send. The Message-ID is made from the id. */
export interface OutgoingMail extends MailContent {
  readonly id: string;
  readonly recipient: Recipient;
}

/** Sends one mail. @throws like Channel.deliver */
export type SendMail = (mail: OutgoingMail, signal: AbortSignal) => Promise<void>;

/**
 * Sends notifications as mails, and other mails on the same connections. The Message-ID is made from the id, so that a
 * provider can detect a mail that is sent twice. If TLS is required, nothing is sent to a server without TLS.
 * Certificates are always verified.
 * Errors contain only codes, never an address, a name or the server's answer.
 */
export function createEmailChannel({
  server,
  from,
  requireTls,
}: MailSettings): Channel & { send: SendMail; close(): void } {
  const transport = createTransport({
    ...server,
    requireTLS: requireTls,
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true },
    pool: true,
    maxConnections: CONNECTIONS_MAX,
    maxMessages: MAILS_PER_CONNECTION_MAX,
    // One retry on a new connection, in case the server has closed an idle one. The delivery worker does other retries.
    maxRequeues: 1,
    dnsTimeout: DNS_TIMEOUT_MS,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    idleTimeout: IDLE_TIMEOUT_MS,
    socketCloseTimeout: CLOSE_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    logger: false,
  });
  const send: SendMail = async ({ id, recipient, subject, text, html }, signal) => {
    try {
      await transport.sendMail({
        subject,
        text,
        html,
        from,
        to: { name: recipient.name, address: recipient.email },
        messageId: `<${id}@${domainOf(from)}>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
        signal,
      });
    } catch (error) {
      throw failureOf(error);
    }
  };
  return {
    deliveriesMax: CONNECTIONS_MAX,
    send,
    deliver: (delivery, signal) =>
      send({ ...composeMail(delivery), id: delivery.notification.id, recipient: delivery.recipient }, signal),
    close: () => transport.close({ force: true }),
  };
}

/** The EMAIL channel when no mail server is configured. Every attempt fails and is retried for `retryHours`. */
export const unconfiguredEmailChannel: Channel = {
  deliveriesMax: 100,
  deliver: () => Promise.reject(new Error('SMTP_URL is not set: no mail can be sent')),
};

const domainOf = (address: string): string => /@([^>]+)/.exec(address)?.[1] ?? 'localhost';

/** Returns an error that contains only codes. A failure that would also affect other mails is a ChannelAwayError. */
function failureOf(error: unknown): Error {
  const { code, originalCode, responseCode, command, timeoutType } = error as Record<string, unknown>;
  const codes = [code, originalCode, responseCode].filter((one) => /^[A-Z0-9_]+$/.test(String(one ?? '')));
  const message = `the mail server did not accept the mail: ${codes.join(' ')}`;
  // The delivery was aborted or timed out. The server may hang for this mail only, or may have accepted it.
  if (code === 'EABORT' || timeoutType === 'SOCKET_TIMEOUT') return new Error(message);
  const isOfMail = code === 'EMESSAGE' || (code === 'EENVELOPE' && command !== 'MAIL FROM');
  if (!isOfMail || responseCode === SERVICE_CLOSING) return new ChannelAwayError(message);
  const isForNow = typeof responseCode === 'number' && responseCode < PERMANENT;
  return isForNow ? new Error(message) : new DeliveryRefusedError(message);
}

/** The server is closing the connection. It may send this reply to any command. Source: RFC 5321, 3.8. */
const SERVICE_CLOSING = 421;
const PERMANENT = 500;
