import { lookup } from 'node:dns';
import { Pool } from 'undici';
import { unavailable } from '../errors/errors.ts';
import { inSpan, SpanKind } from '../process/tracing.ts';
import { createBreaker } from './breaker.ts';
import type { CallMetrics, CallOutcome } from './call-metrics.ts';
import { currentTraceparent, TIME_LEFT_HEADER } from './deadline.ts';
import { createOperationSender, type OperationAnswer, type SentOperation } from './operation-batch.ts';
import { createShuffledLookup } from './shuffled-dns-lookup.ts';

export interface GraphQLAnswer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: (string | number)[]; extensions?: Record<string, unknown> }[];
}

export interface GraphQLOperation extends SentOperation {
  /** The server's time limit. A failure counts for the breaker only if the server had all of this time. */
  timeoutMs: number;
  /** The time until which the caller waits, on the clock of performance.now(). */
  deadlineMs?: number;
  /** Aborted when the caller disconnects. */
  signal?: AbortSignal | undefined;
  /** The trace context to pass on. The default is that of the current step. */
  traceparent?: string | undefined;
}

const IN_FLIGHT_MAX = 1_024;
const RESPONSE_BYTES_MAX = 16 * 1_024 * 1_024;
/** Short enough that a second attempt fits into the time limit of a query. */
export const CONNECT_TIMEOUT_MS = 500;
/**
 * The time that a connection may be idle. It is shorter than the server's 75 s, so that the client closes it first.
 * It must also be shorter than DRAIN_DELAY_MS: idle connections then close before a stopping server does. Busy
 * connections close because a stopping server asks for that in its answers.
 */
export const KEEP_ALIVE_MS = 4_000;
/**
 * The time that a busy connection is used. There may be several servers behind one address, and each connection leads
 * to one of them. With this limit a new server gets its share of the load within that time.
 */
export const CONNECTION_AGE_MS_MAX = 15_000;
/**
 * The part of the time limit that is sent to the server in TIME_LEFT_HEADER. The rest is for the transport of the
 * answer.
 */
export const SERVER_SHARE = 0.9;

/** The answer was not GraphQL. This reason and the HTTP status appear only in the log. */
class NotGraphQLError extends Error {}
class TimeoutError extends Error {}

/** No connection was made, so nothing was sent. */
const NEVER_CONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** The connection broke. The request may have reached the server. */
const CONNECTION_LOST: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET']);

/** Every GraphQL server can answer this at once, without calling other services. */
const PROBE = '{__typename}';

export const isMutation = (query: string): boolean => query.startsWith('mutation');

export type GraphQLClient = ReturnType<typeof createGraphQLClient>;

/**
 * Creates a client of one GraphQL server inside the system, with a bounded pool of keep-alive connections, a breaker, and a deadline for every operation.
 * Operations of one turn of the event loop are sent together, see createOperationSender.
 */
export function createGraphQLClient({
  url,
  secret,
  callMetrics,
}: {
  url: string;
  secret: string;
  callMetrics?: CallMetrics | undefined;
}) {
  const { origin, host, pathname } = new URL(url);
  const connect = (connections: number) =>
    new Pool(origin, {
      connections,
      pipelining: 1,
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup: createShuffledLookup(lookup) },
      keepAliveTimeout: KEEP_ALIVE_MS,
      // The maximum for the keep-alive time that the server announces.
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      clientTtl: CONNECTION_AGE_MS_MAX,
      maxResponseSize: RESPONSE_BYTES_MAX,
      // request() has its own timer.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  // One connection for each request in flight, so that no request waits behind a slow one, such as a booking that waits
  // for a row lock.
  const pool = connect(IN_FLIGHT_MAX);
  // Hanging requests can hold every connection of the other pool.
  const probePool = connect(1);
  const send = createOperationSender({ pool, path: pathname, secret });
  const sendProbe = createOperationSender({ pool: probePool, path: pathname, secret });
  const breaker = createBreaker(
    async (signal) => parseAnswer(await sendProbe({ query: PROBE, headers: {} }, signal)),
    callMetrics?.breakerChanged,
  );
  let inFlight = 0;

  async function postTwice(operation: GraphQLOperation, signal: AbortSignal, timeLeftMs: () => number) {
    const { query, variables, operationName, traceparent } = operation;
    const attempt = async () => {
      const leftMs = String(Math.floor(timeLeftMs() * SERVER_SHARE));
      const headers = { ...operation.headers, [TIME_LEFT_HEADER]: leftMs, ...(traceparent && { traceparent }) };
      return parseAnswer(await send({ query, variables, operationName, headers }, signal));
    };
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !isWorthRetrying(operation, error)) throw error;
      return attempt();
    }
  }

  async function request(operation: GraphQLOperation): Promise<GraphQLAnswer> {
    const { timeoutMs, deadlineMs = Infinity, signal } = operation;
    const startedAtMs = performance.now();
    const leftMs = Math.ceil(Math.min(timeoutMs, deadlineMs - startedAtMs));
    const ended = (outcome: CallOutcome) => callMetrics?.ended(outcome, performance.now() - startedAtMs);
    const hasRoom = inFlight < IN_FLIGHT_MAX;
    callMetrics?.hasRoom(hasRoom);
    if (breaker.isOpen() || !hasRoom) {
      ended('refused');
      throw unavailable();
    }
    if (leftMs <= 0 || signal?.aborted) {
      ended('abandoned');
      throw unavailable();
    }
    // Both attempts share one time limit. With a new limit the second attempt could exceed the caller's deadline.
    const cut = new AbortController();
    const timer = setTimeout(() => cut.abort(new TimeoutError(`no answer within ${leftMs} ms`)), leftMs);
    const leave = () => cut.abort();
    signal?.addEventListener('abort', leave, { once: true });
    inFlight += 1;
    breaker.begin();
    try {
      const answer = await postTwice(operation, cut.signal, () => startedAtMs + leftMs - performance.now());
      breaker.heard();
      ended(answer.errors === undefined ? 'data' : 'errors');
      return answer;
    } catch (error) {
      const hadFullTime = !cut.signal.aborted || (leftMs === timeoutMs && !signal?.aborted);
      if (hadFullTime) breaker.failed();
      ended(hadFullTime ? 'unanswered' : 'abandoned');
      throw unavailable(signal?.aborted ? undefined : error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
      inFlight -= 1;
      breaker.end();
    }
  }

  return {
    /**
     * Sends one operation and returns its answer within `timeoutMs` and before the deadline. After a connection error a
     * query is sent a second time. A mutation is sent a second time only if no connection was made, because then it was
     * not sent.
     * @throws SERVICE_UNAVAILABLE when there is no answer in time, the breaker is open, too many requests are in
     *   flight, or the caller has disconnected
     */
    request(operation: GraphQLOperation): Promise<GraphQLAnswer> {
      const { operationName = 'operation', traceparent: parent = currentTraceparent() } = operation;
      if (parent === undefined) return request(operation);
      const options = { kind: SpanKind.CLIENT, attributes: { 'server.address': host } };
      return inSpan(`ask ${operationName}`, parent, options, ({ traceparent }) =>
        request({ ...operation, traceparent }),
      );
    },
    async close(): Promise<void> {
      breaker.close();
      await Promise.all([pool.close(), probePool.close()]);
    },
  };
}

function isWorthRetrying({ query }: GraphQLOperation, error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return NEVER_CONNECTED.has(code) || (CONNECTION_LOST.has(code) && !isMutation(query));
}

function parseAnswer({ statusCode, text }: OperationAnswer): GraphQLAnswer {
  let answer: GraphQLAnswer | null;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new NotGraphQLError(`HTTP ${statusCode} without JSON`);
  }
  if (answer?.data === undefined && !Array.isArray(answer?.errors)) {
    throw new NotGraphQLError(`HTTP ${statusCode} without data or errors`);
  }
  return answer;
}
