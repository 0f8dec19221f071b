import { z } from 'zod';
import { deadLetterStream } from '#platform/messaging/broker.ts';
import { integer, parseConfig, secret, secrets, streamBytes, subgraphSettings } from '#platform/process/config.ts';
import { SUBGRAPH_LIST } from '#services';

/** A mail server, and how mail goes to it. */
export interface MailSettings {
  readonly server: MailServer;
  /** An address, or a name with an address in angle brackets. */
  readonly from: string;
  /** Whether a server that offers no TLS is refused. */
  readonly requireTls: boolean;
}

interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte on, rather than by STARTTLS. */
  readonly secure: boolean;
  readonly auth?: { readonly user: string; readonly pass: string };
}

const MAIL_FROM = /^(?:[^\p{Cc}<>@",;:]+ <[^\s<>@,;:]+@[a-z0-9.-]+>|[^\s<>@,;:]+@[a-z0-9.-]+)$/iu;

/** The notification subgraph's settings; no `mail` without SMTP_URL. @throws ConfigError */
export function readConfig(env: NodeJS.ProcessEnv) {
  const settings = parseConfig(
    {
      ...subgraphSettings('notification', SUBGRAPH_LIST.notification.port),
      NOTIFICATION_SUBGRAPH_SECRET: secrets,
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
    },
    env,
    ({ NODE_ENV, SMTP_URL, MAIL_FROM }) =>
      NODE_ENV === 'production' && SMTP_URL !== undefined && MAIL_FROM === undefined
        ? ['MAIL_FROM: required with SMTP_URL in production']
        : [],
  );
  return { ...settings, mail: mailSettings(settings) };
}

function mailSettings({
  NODE_ENV,
  SMTP_URL: server,
  SMTP_TLS,
  MAIL_FROM: from,
}: {
  NODE_ENV: string;
  SMTP_URL?: MailServer | undefined;
  SMTP_TLS?: 'required' | 'optional' | undefined;
  MAIL_FROM?: string | undefined;
}): MailSettings | undefined {
  if (server === undefined) return undefined;
  // A password is never sent in the clear unless somebody says so.
  const isTlsDefault = NODE_ENV === 'production' || server.auth !== undefined;
  return {
    server,
    from: from ?? 'Event Booking System <no-reply@localhost>',
    requireTls: SMTP_TLS === undefined ? isTlsDefault : SMTP_TLS === 'required',
  };
}

const SMTP_PORTS: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465 };

/** smtp://user:password@host:port or smtps://..., for use in transform(). */
function toMailServer(text: string, context: z.RefinementCtx): MailServer {
  const url = URL.parse(text);
  const defaultPort = SMTP_PORTS[url?.protocol ?? ''];
  const user = decoded(url?.username);
  const pass = decoded(url?.password);
  const isPlain = url !== null && url.hostname !== '' && /^\/?$/.test(url.pathname + url.search + url.hash);
  if (!isPlain || defaultPort === undefined || user === undefined || pass === undefined) {
    context.addIssue({ code: 'custom', message: 'must be like smtp://user:password@host:587 or smtps://host:465' });
    return z.NEVER;
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || defaultPort),
    secure: url.protocol === 'smtps:',
    ...(user !== '' && { auth: { user, pass } }),
  };
}

/** The text behind its percent signs, undefined where they make no sense. */
function decoded(text = ''): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
