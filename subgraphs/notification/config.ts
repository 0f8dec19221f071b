import { z } from 'zod';
import { AddressError, parseServerUrl } from '#platform/connections/server-url.ts';
import { deadLetterStream } from '#platform/messaging/broker.ts';
import {
  integer,
  milliseconds,
  parseConfig,
  requiredInProduction,
  secret,
  secrets,
  streamBytes,
  subgraphSettings,
} from '#platform/process/config.ts';
import { localUrl, SUBGRAPH_LIST } from '#services';

/** The mail server and how to send mail to it. */
export type MailSettings = NonNullable<ReturnType<typeof readConfig>['mail']>;

const MAIL_FROM = /^(?:[^\p{Cc}<>@",;:]+ <[^\s<>@,;:]+@[a-z0-9.-]+>|[^\s<>@,;:]+@[a-z0-9.-]+)$/iu;

/** Reads the notification subgraph's settings. Without SMTP_URL, `mail` is undefined. @throws ConfigError */
export function readConfig(env: NodeJS.ProcessEnv) {
  const settings = parseConfig(
    {
      ...subgraphSettings('notification', SUBGRAPH_LIST.notification.port),
      NOTIFICATION_SUBGRAPH_SECRET: secrets,
      ACCOUNT_MAIL_SECRET: secrets,
      PUBLIC_URL: z.url({ protocol: /^https?$/ }).default('http://localhost:4000'),
      SMTP_URL: secret(z.string().transform(toMailServer).optional()),
      SMTP_TLS: z.enum(['required', 'optional']).optional(),
      MAIL_FROM: z
        .string()
        .regex(MAIL_FROM, 'must be like tickets@shop.example.com or Tickets <tickets@shop.example.com>')
        .optional(),
      NOTIFICATION_RETRY_HOURS: integer(1, 168, 24),
      NOTIFICATION_KEEP_DAYS: integer(15, 3_650, 90),
      DEAD_LETTER_KEEP_DAYS: integer(1, 3_650, 90),
      DEAD_LETTERS_STREAM_BYTES_MAX: streamBytes(deadLetterStream),
      WEBHOOK_SECRETS_KEY: secrets,
      WEBHOOK_PRIVATE_ADDRESSES: z.enum(['allow', 'refuse']).default('refuse'),
      WEBHOOK_KEEP_DAYS: integer(2, 3_650, 30),
      EVENT_SUBGRAPH_SECRET: secrets,
      EVENT_SUBGRAPH_URL: requiredInProduction(z.url().default(localUrl('event'))),
      EVENT_SUBGRAPH_TIMEOUT_MS: milliseconds(1_500),
    },
    env,
    ({ NODE_ENV, SMTP_URL, MAIL_FROM, WEBHOOK_PRIVATE_ADDRESSES }) => ({
      'PUBLIC_URL: required in production when SMTP_URL is set':
        NODE_ENV === 'production' && SMTP_URL !== undefined && !env.PUBLIC_URL,
      'MAIL_FROM: required in production when SMTP_URL is set':
        NODE_ENV === 'production' && SMTP_URL !== undefined && MAIL_FROM === undefined,
      'WEBHOOK_PRIVATE_ADDRESSES: must not be allow in production':
        NODE_ENV === 'production' && WEBHOOK_PRIVATE_ADDRESSES === 'allow',
    }),
  );
  const { NODE_ENV, SMTP_URL: server, SMTP_TLS } = settings;
  // A password is sent without TLS only if SMTP_TLS=optional.
  const isTlsDefault = NODE_ENV === 'production' || server?.auth !== undefined;
  const mail = server && {
    server,
    /** The sender: an address, or a name followed by an address in angle brackets. */
    from: settings.MAIL_FROM ?? 'Event Booking System <no-reply@localhost>',
    /** Whether to refuse a server that offers no TLS. */
    requireTls: SMTP_TLS === undefined ? isTlsDefault : SMTP_TLS === 'required',
  };
  return { ...settings, mail };
}

/** Parses smtp://user:password@host:port or smtps://... inside transform(). Adds an issue for an invalid URL. */
function toMailServer(text: string, context: z.RefinementCtx) {
  try {
    const { scheme, host, port, user, password, path, parameters } = parseServerUrl(text, ['smtp', 'smtps'], 0);
    if (path !== '' || parameters.size > 0) throw new AddressError();
    // TLS from the first byte, instead of STARTTLS.
    const secure = scheme === 'smtps';
    const auth = { user, pass: password };
    return { host, port: port || (secure ? 465 : 587), secure, ...(user !== '' && { auth }) };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    context.addIssue({ code: 'custom', message: 'must be like smtp://user:password@host:587 or smtps://host:465' });
    return z.NEVER;
  }
}
