import { lookup } from 'node:dns';
import { Pool } from 'undici';
import { unavailable } from '../errors/errors.ts';
import { GATEWAY_PROOF_HEADER } from '../identity/identity.ts';
import { createBreaker } from './breaker.ts';
import { TIME_LEFT_HEADER } from './deadline.ts';
import { createShuffledLookup } from './shuffled-dns-lookup.ts';

export interface GraphQLAnswer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: (string | number)[]; extensions?: Record<string, unknown> }[];
}

/** A client of one GraphQL server inside the system. */
export interface GraphQLClient {
  /**
   * Posts one operation and answers within `timeoutMs` and before the deadline. A query is sent once more after a
   * connection error, a mutation only where no connection was made: then it was not sent.
   * @throws SERVICE_UNAVAILABLE when there is no answer in time, the server does not answer anybody, too much is in
   * flight, or the caller has gone.
   */
  request(operation: GraphQLOperation): Promise<GraphQLAnswer>;
  close(): Promise<void>;
}

export interface GraphQLOperation {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | undefined;
  headers: Record<string, string>;
  /** What the server may take. It is to blame only when it had all of it. */
  timeoutMs: number;
  /** Until when the caller waits, on the clock of performance.now(). */
  deadlineMs?: number;
  /** Aborted when the caller goes away. */
  signal?: AbortSignal | undefined;
}

const IN_FLIGHT_MAX = 1_024;
const RESPONSE_BYTES_MAX = 16 * 1_024 * 1_024;
/** Short enough for a second attempt within the limit of a query. */
export const CONNECT_TIMEOUT_MS = 500;
/**
 * How long a connection may be idle. Below the server's 75 s, so that the client is the one to close. Below DRAIN_DELAY_MS
 * too: while a server drains, it asks its busy connections to close, and by the time it closes the idle ones have closed.
 */
export const KEEP_ALIVE_MS = 4_000;
/**
 * How long a busy connection is used. Behind one address there may be several servers, and each connection chooses one of
 * them: a server that joins gets its share of the load within this time.
 */
export const CONNECTION_AGE_MS_MAX = 15_000;
/** The share of the time limit that the server is told; the rest is for the way of its answer. */
export const SERVER_SHARE = 0.9;

/** The answer was not GraphQL. Only the log learns of it, and of the status. */
class NotGraphQLError extends Error {}
class TimeoutError extends Error {}

/** No connection was made, and so nothing was sent. */
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

/** Every GraphQL server answers it at once, and asks nobody. */
const PROBE = '{__typename}';

export const isMutation = (query: string): boolean => query.startsWith('mutation');

/** A client on a bounded pool of kept-alive connections, with a breaker and a deadline for every request. */
export function createGraphQLClient({ url, secret }: { url: string; secret: string }): GraphQLClient {
  const { origin, pathname } = new URL(url);
  const connect = (connections: number) =>
    new Pool(origin, {
      connections,
      pipelining: 1,
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup: createShuffledLookup(lookup) },
      keepAliveTimeout: KEEP_ALIVE_MS,
      // The server says how long it would keep a connection; this is the most that counts.
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      clientTtl: CONNECTION_AGE_MS_MAX,
      maxResponseSize: RESPONSE_BYTES_MAX,
      // Each request has a timer of its own.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  // One connection for each request in flight: none waits for slow ones, such as bookings of an event whose row is held.
  const pool = connect(IN_FLIGHT_MAX);
  // Requests that hang may hold every connection of the pool.
  const probePool = connect(1);
  const breaker = createBreaker((signal) => post(probePool, { query: PROBE, headers: {} }, signal));
  let inFlight = 0;

  async function post(
    connections: Pool,
    { query, variables, operationName, headers }: Omit<GraphQLOperation, 'timeoutMs'>,
    signal: AbortSignal,
  ): Promise<GraphQLAnswer> {
    const { statusCode, body } = await connections.request({
      path: pathname,
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', [GATEWAY_PROOF_HEADER]: secret },
      body: JSON.stringify({ query, variables, operationName }),
      signal,
    });
    return parseAnswer(statusCode, await body.text());
  }

  async function postTwice(operation: GraphQLOperation, signal: AbortSignal, timeLeftMs: () => number) {
    const attempt = () => {
      const leftMs = String(Math.floor(timeLeftMs() * SERVER_SHARE));
      return post(pool, { ...operation, headers: { ...operation.headers, [TIME_LEFT_HEADER]: leftMs } }, signal);
    };
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !isWorthRetrying(operation, error)) throw error;
      return attempt();
    }
  }

  return {
    async request(operation) {
      const { timeoutMs, deadlineMs = Infinity, signal } = operation;
      const startedAtMs = performance.now();
      const leftMs = Math.ceil(Math.min(timeoutMs, deadlineMs - startedAtMs));
      if (leftMs <= 0 || signal?.aborted || breaker.isOpen() || inFlight >= IN_FLIGHT_MAX) throw unavailable();
      // One limit for both attempts: a second one that began anew would outlive the caller's deadline.
      const cut = new AbortController();
      const timer = setTimeout(() => cut.abort(new TimeoutError(`no answer within ${leftMs} ms`)), leftMs);
      const leave = () => cut.abort();
      signal?.addEventListener('abort', leave, { once: true });
      inFlight += 1;
      breaker.begin();
      try {
        const answer = await postTwice(operation, cut.signal, () => startedAtMs + leftMs - performance.now());
        breaker.heard();
        return answer;
      } catch (error) {
        const hadFullTime = !cut.signal.aborted || (leftMs === timeoutMs && !signal?.aborted);
        if (hadFullTime) breaker.failed();
        throw unavailable(signal?.aborted ? undefined : error);
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', leave);
        inFlight -= 1;
        breaker.end();
      }
    },
    async close() {
      breaker.close();
      await Promise.all([pool.close(), probePool.close()]);
    },
  };
}

function isWorthRetrying({ query }: GraphQLOperation, error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return NEVER_CONNECTED.has(code) || (CONNECTION_LOST.has(code) && !isMutation(query));
}

function parseAnswer(statusCode: number, text: string): GraphQLAnswer {
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
