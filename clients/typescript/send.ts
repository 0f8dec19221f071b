import { type Answer, failure, findError, NO_ANSWER, NOT_SENT, readAnswer, rootErrors } from './answers.ts';

/** How operations are sent and repeated. */
export interface SendSettings {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  /** For one attempt. Longer than the time limit of an operation at the gateway. */
  readonly timeoutMs: number;
  /** The number of attempts, including the first one. */
  readonly attemptsMax: number;
  /** The longest wait before the first retry. It doubles with each retry, up to WAIT_MS_MAX. */
  readonly backoffMs: number;
  /** Is called before each retry with the code of the error. */
  readonly onRetry?: ((code: string) => void) | undefined;
}

/** An operation as it is sent. */
export interface Operation {
  readonly query: string;
  readonly variables: object;
  readonly isMutation: boolean;
  /** A mutation without an idempotency key is not repeatable: a retry could do it twice. */
  readonly isRepeatable: boolean;
}

interface CallSettings {
  readonly accessToken?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const WAIT_MS_MAX = 10_000;
/** When a server asks for a longer wait, the caller decides about a retry. */
const RETRY_AFTER_S_MAX = 30;

/** Errors of Node's fetch before it has a connection. The errors of browsers do not tell. */
const UNSENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'];

/**
 * Sends an operation. Repeats it when it was not sent, and, if it is repeatable, when the answer is SERVICE_UNAVAILABLE
 * or missing. The waits are those that the server asks for, plus an exponential back-off with full jitter (AWS
 * Architecture Blog, "Exponential Backoff And Jitter").
 * @throws the reason of the signal when it is aborted
 */
export async function send<Data>(
  settings: SendSettings,
  operation: Operation,
  call: CallSettings,
): Promise<Answer<Data>> {
  const codes = operation.isRepeatable ? [NOT_SENT, NO_ANSWER, 'SERVICE_UNAVAILABLE'] : [NOT_SENT];
  for (let attempt = 1; ; attempt += 1) {
    const answer = await sendOnce<Data>(settings, operation, call);
    const { code, retryAfter = 0 } = findError(rootErrors(answer), ...codes)?.extensions ?? {};
    if (code === undefined || attempt >= settings.attemptsMax || retryAfter > RETRY_AFTER_S_MAX) return answer;
    settings.onRetry?.(code);
    const backoffMs = Math.min(WAIT_MS_MAX, settings.backoffMs * 2 ** (attempt - 1));
    await delay(retryAfter * 1_000 + Math.random() * backoffMs, call.signal);
  }
}

async function sendOnce<Data>(
  { url, fetch, timeoutMs }: SendSettings,
  { query, variables }: Operation,
  { accessToken, signal }: CallSettings,
): Promise<Answer<Data>> {
  const isOffline = (globalThis.navigator as { onLine?: boolean } | undefined)?.onLine === false;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
      body: JSON.stringify({ query, variables }),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    return await readAnswer<Data>(response);
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted) return failure(`There was no answer within ${timeoutMs} ms.`, NO_ANSWER);
    const { message, cause } = error as Error & { cause?: { code?: string } };
    const isUnsent = isOffline || UNSENT.includes(cause?.code ?? '');
    return failure(`The connection failed: ${cause?.code ?? message}`, isUnsent ? NOT_SENT : NO_ANSWER);
  }
}

/** @throws the reason of the signal when it is aborted */
export const delay = (timeMs: number, signal: AbortSignal | undefined) =>
  new Promise<void>((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, timeMs);
    signal?.addEventListener('abort', abort, { once: true });
  });
