import { createTransport } from 'nodemailer';
import type { MailSettings } from '../config.ts';
import { type Channel, ChannelAwayError, DeliveryRefusedError } from '../domain/delivery.ts';
import { composeMail } from '../domain/mail.ts';

/** Few enough for any provider. What is over waits in the database, where its time does not run. */
const CONNECTIONS_MAX = 5;
const MAILS_PER_CONNECTION_MAX = 100;

/** Each below the next: DNS, connection with greeting and TLS, silence; then the delivery's own, then its lease. */
const DNS_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 5_000;
const SILENCE_TIMEOUT_MS = 8_000;
/** A connection without work is closed before silence would break it. */
const IDLE_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Sends each notification as a mail whose Message-ID comes from the notification's id: should one be sent twice, a
 * provider can tell. A server without TLS gets nothing where TLS is required, and nowhere does one whose certificate
 * does not hold. Errors carry codes alone, never an address, a name or what the server answered.
 */
export function createEmailChannel({ server, from, requireTls }: MailSettings): Channel & { close(): void } {
  const transport = createTransport({
    ...server,
    requireTLS: requireTls,
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true },
    pool: true,
    maxConnections: CONNECTIONS_MAX,
    maxMessages: MAILS_PER_CONNECTION_MAX,
    // Once more on a fresh connection, when the server had closed an idle one; other retries are the delivery's.
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
  return {
    deliveriesMax: CONNECTIONS_MAX,
    async deliver(delivery, signal) {
      const { notification, recipient } = delivery;
      try {
        await transport.sendMail({
          ...composeMail(delivery),
          from,
          to: { name: recipient.name, address: recipient.email },
          messageId: `<${notification.id}@${domainOf(from)}>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal,
        });
      } catch (error) {
        throw failureOf(error);
      }
    },
    close: () => transport.close({ force: true }),
  };
}

/** In place of EMAIL where no mail server is configured: its notifications wait for one, and FAIL after some time. */
export const unconfiguredEmailChannel: Channel = {
  deliveriesMax: 100,
  deliver: () => Promise.reject(new Error('SMTP_URL is not set: no mail can be sent')),
};

const domainOf = (address: string): string => /@([^>]+)/.exec(address)?.[1] ?? 'localhost';

/** What went wrong, by its codes. Whatever is not about this mail alone is the server's: every other mail meets it, too. */
function failureOf(error: unknown): Error {
  const { code, originalCode, responseCode, command, timeoutType } = error as Record<string, unknown>;
  const codes = [code, originalCode, responseCode].filter((one) => /^[A-Z0-9_]+$/.test(String(one ?? '')));
  const message = `the mail server did not take the mail: ${codes.join(' ')}`;
  // Our own time is up, or a session fell silent: the server may hang for this mail only, or have taken it.
  if (code === 'EABORT' || timeoutType === 'SOCKET_TIMEOUT') return new Error(message);
  const isOfMail = code === 'EMESSAGE' || (code === 'EENVELOPE' && command !== 'MAIL FROM');
  if (!isOfMail || responseCode === SERVICE_CLOSING) return new ChannelAwayError(message);
  const isForNow = typeof responseCode === 'number' && responseCode < PERMANENT;
  return isForNow ? new Error(message) : new DeliveryRefusedError(message);
}

/** The server is about to close the connection, whatever it was asked. RFC 5321, 3.8. */
const SERVICE_CLOSING = 421;
const PERMANENT = 500;
