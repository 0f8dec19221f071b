import { lookup } from 'node:dns';
import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import { Pool } from 'undici';
import { inAnyOrder } from './any-order.ts';
import { unavailable } from './errors.ts';
import { GATEWAY_PROOF_HEADER } from './identity.ts';

export interface GraphQLAnswer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: (string | number)[]; extensions?: Record<string, unknown> }[];
}

/** A client of one GraphQL server inside the system. */
export interface GraphQLClient {
  /**
   * Posts one operation and answers within `timeoutMs`. A query is sent once more after a connection error, a
   * mutation never.
   * @throws SERVICE_UNAVAILABLE when there is no answer in time, the breaker is open or too much is in flight.
   */
  request(operation: GraphQLOperation): Promise<GraphQLAnswer>;
  close(): Promise<void>;
}

export interface GraphQLOperation {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | undefined;
  headers: Record<string, string>;
  timeoutMs: number;
}

const CONNECTIONS_MAX = 64;
const IN_FLIGHT_MAX = 1_024;
const RESPONSE_BYTES_MAX = 16 * 1_024 * 1_024;
const CONNECT_TIMEOUT_MS = 1_000;
/**
 * How long a connection may be idle. Below the server's 75 s, so that the client is the one to close; and below
 * DRAIN_DELAY_MS, so that a server that stops has nobody connected any more when it closes: who sent a request meanwhile
 * was told, who sent none has closed.
 */
export const KEEP_ALIVE_MS = 4_000;
/**
 * How long a busy connection is used. Behind one address there may be several servers, chosen anew by each connection: a
 * server that joins them gets its share of the load within this time.
 */
export const CONNECTION_AGE_MS_MAX = 15_000;
const BREAKER = { failures: 10, halfOpenAfterMs: 1_000 };

/** The answer was not GraphQL; says so, and with which status, to the log only. */
class NotGraphQLError extends Error {}

/** No answer for a reason that a second attempt may not meet: the connection was refused, reset or closed. */
const CONNECTION_ERRORS: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** A client on a bounded pool of kept-alive connections, with a breaker and a deadline for every request. */
export function createGraphQLClient({ url, secret }: { url: string; secret: string }): GraphQLClient {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, {
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS, lookup: inAnyOrder(lookup) },
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The server says how long it would keep one; that counts up to here.
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    clientTtl: CONNECTION_AGE_MS_MAX,
    maxResponseSize: RESPONSE_BYTES_MAX,
  });
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: BREAKER.halfOpenAfterMs,
    breaker: new ConsecutiveBreaker(BREAKER.failures),
  });
  let inFlight = 0;

  async function post(operation: GraphQLOperation, signal: AbortSignal) {
    const { query, variables, operationName, headers, timeoutMs } = operation;
    const { statusCode, body } = await pool.request({
      path: pathname,
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', [GATEWAY_PROOF_HEADER]: secret },
      body: JSON.stringify({ query, variables, operationName }),
      signal,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    return parseAnswer(statusCode, await body.text());
  }

  async function postTwice(operation: GraphQLOperation): Promise<GraphQLAnswer> {
    // One limit for both attempts: a second one that began anew would outlive the caller's deadline.
    const signal = AbortSignal.timeout(operation.timeoutMs);
    try {
      return await post(operation, signal);
    } catch (error) {
      if (operation.query.startsWith('mutation') || !isConnectionError(error)) throw error;
      return post(operation, signal);
    }
  }

  return {
    async request(operation) {
      if (inFlight >= IN_FLIGHT_MAX) throw unavailable();
      inFlight += 1;
      try {
        return await breaker.execute(() => postTwice(operation));
      } catch (error) {
        throw unavailable(error instanceof BrokenCircuitError ? undefined : error);
      } finally {
        inFlight -= 1;
      }
    },
    close: () => pool.close(),
  };
}

const isConnectionError = (error: unknown) =>
  error instanceof Error && 'code' in error && CONNECTION_ERRORS.has(error.code);

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
