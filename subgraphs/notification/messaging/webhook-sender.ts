import { Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { Agent, buildConnector } from 'undici';
import { isPublicAddress } from '#platform/clients/public-address.ts';
import type { WebhookAnswer } from '../domain/webhook-delivery.ts';

/** Each timeout must be shorter than the request's timeout, which must be shorter than the lease of a delivery. */
const DNS_TIMEOUT_MS = 2_000;
const DNS_TRIES = 2;
const CONNECT_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 10_000;
const BODY_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** Idle connections are closed before most servers close them. */
const KEEP_ALIVE_MS = 4_000;
/** The body of an answer is not used. It is read up to here, so that the connection can be used again. */
const ANSWER_BYTES_MAX = 16_384;
const HEADER_BYTES_MAX = 16_384;

/** A request to an endpoint. All given secrets sign it. */
export interface WebhookRequest {
  readonly url: string;
  readonly messageId: string;
  readonly payload: string;
  readonly secrets: readonly string[];
}

/** Returns the IP addresses of a name. */
export type ResolveName = (hostname: string) => Promise<readonly string[]>;

export type WebhookSender = ReturnType<typeof createWebhookSender>;

class AddressNotAllowedError extends Error {
  readonly code = 'ADDRESS_NOT_ALLOWED';
}
class NameNotFoundError extends Error {
  readonly code = 'NAME_NOT_FOUND';
}

/**
 * Signs and sends requests to endpoints of organizers, as https://www.standardwebhooks.com describes. Each connection
 * checks the address that it connects to, not an earlier answer of the DNS, so a name cannot lead to a private network
 * (SSRF). Redirects are not followed, and the body of the answer is ignored. With `allowPrivate` all addresses are
 * allowed. `resolve` and `ca` replace the DNS and the trusted certificates in tests.
 */
export function createWebhookSender({
  allowPrivate = false,
  resolve = createResolver(),
  ca,
}: {
  allowPrivate?: boolean;
  resolve?: ResolveName;
  ca?: string;
} = {}) {
  const isAllowed = (address: string) => allowPrivate || isPublicAddress(address);
  const lookup: LookupFunction = (hostname, { all }, answer) => {
    resolve(hostname).then(
      (addresses) => {
        const allowed = addresses.filter(isAllowed).map((address) => ({ address, family: isIP(address) }));
        const [first] = allowed;
        if (first === undefined) answer(new AddressNotAllowedError(), []);
        else if (all) answer(null, allowed);
        else answer(null, first.address, first.family);
      },
      (cause) => answer(new NameNotFoundError('the name has no address', { cause }), []),
    );
  };
  const connectTo = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    lookup,
    allowH2: false,
    ...(ca !== undefined && { ca }),
  });
  const agent = new Agent({
    connect(options, callback) {
      const host = options.hostname.replace(/^\[|\]$/g, '');
      // Sockets do not look up IP addresses.
      if (isIP(host) !== 0 && !isAllowed(host)) return callback(new AddressNotAllowedError(), null);
      return connectTo(options, callback);
    },
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: BODY_TIMEOUT_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  });

  return {
    /** Sends a request, within REQUEST_TIMEOUT_MS. Returns the answer, also if it is not a success. Never throws. */
    async send(request: WebhookRequest): Promise<WebhookAnswer> {
      const { origin, pathname, search } = new URL(request.url);
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      try {
        const { statusCode, body } = await agent.request({
          origin,
          path: pathname + search,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'user-agent': 'event-booking-system',
            ...signedHeaders(request, new Date()),
          },
          body: request.payload,
          signal,
        });
        // The answer is there: an end of its body that does not come changes nothing.
        await body.dump({ limit: ANSWER_BYTES_MAX, signal }).catch(() => undefined);
        const isSuccess = statusCode >= 200 && statusCode < 300;
        return { statusCode, error: isSuccess ? null : `STATUS_${statusCode}` };
      } catch (error) {
        return { statusCode: null, error: codeOf(error) };
      }
    },
    close: () => agent.destroy(),
  };
}

/** Returns the headers of Standard Webhooks at a time, with one signature for each secret. */
export function signedHeaders(
  { messageId, payload, secrets }: Omit<WebhookRequest, 'url'>,
  time: Date,
): Record<string, string> {
  return {
    'webhook-id': messageId,
    'webhook-timestamp': String(Math.floor(time.getTime() / 1_000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(messageId, time, payload)).join(' '),
  };
}

/**
 * Creates a look-up that asks the DNS servers directly. The look-up of the system runs in the few threads of the
 * process: a slow server of one name would delay the look-ups of the database, the broker and the mail server.
 */
function createResolver(): ResolveName {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  return async (hostname) => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const [{ reason } = { reason: undefined }] = answers.filter((answer) => answer.status === 'rejected');
    if (addresses.length === 0) throw reason;
    return addresses;
  };
}

/** Codes that name a fault of the endpoint, for its owner. All others are REQUEST_FAILED. */
const CODES: Readonly<Record<string, string>> = {
  ADDRESS_NOT_ALLOWED: 'ADDRESS_NOT_ALLOWED',
  NAME_NOT_FOUND: 'NAME_NOT_FOUND',
  ECONNREFUSED: 'CONNECTION_REFUSED',
  ECONNRESET: 'CONNECTION_LOST',
  EPIPE: 'CONNECTION_LOST',
  UND_ERR_SOCKET: 'CONNECTION_LOST',
  ETIMEDOUT: 'TIMEOUT',
  UND_ERR_CONNECT_TIMEOUT: 'TIMEOUT',
  UND_ERR_HEADERS_TIMEOUT: 'TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'TIMEOUT',
};

/** Returns a code without any text of the endpoint or of this network. */
function codeOf(error: unknown): string {
  const { name, code = '' } = error as { name?: string; code?: unknown };
  if (name === 'TimeoutError') return 'TIMEOUT';
  const text = String(code);
  if (/^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO)/.test(text)) return 'CERTIFICATE_REFUSED';
  return CODES[text] ?? 'REQUEST_FAILED';
}
