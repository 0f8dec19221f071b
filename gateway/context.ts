import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import { clientSignal } from '#platform/http/client-signal.ts';
import type { Authenticate } from '#platform/identity/identity.ts';
import type { OperationDetails } from './http/operation-metrics.ts';
import type { RateLimits } from './limits/rate-limits.ts';

/** The context of one operation: the data that goes to the subgraphs, and the deadline of the answer. */
export interface GatewayContext extends RequestContext {
  readonly authorization: string | undefined;
  /** The client's trace context, forwarded to the subgraphs; undefined when it does not match TRACEPARENT. */
  readonly traceparent: string | undefined;
  /** On the clock of performance.now(). */
  readonly deadlineMs: number;
  /** Aborted when the client disconnects before it has the answer. */
  readonly signal: AbortSignal;
  /** For the log line and the metrics of the operation. */
  readonly details: OperationDetails;
}

/** W3C Trace Context: version, trace id, parent id and flags. Version ff and all-zero ids are invalid. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

const traceparentOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;

/**
 * Creates the function that reads a request's context. It verifies the caller and draws on the caller's budget before
 * the operation is parsed and before any subgraph is asked.
 * @throws UNAUTHENTICATED for a bad token, RATE_LIMITED when the caller's budget is used up
 */
export const createContextReader =
  ({
    authenticate,
    rateLimits,
    operationTimeoutMs,
  }: {
    authenticate: Authenticate;
    rateLimits: RateLimits;
    operationTimeoutMs: number;
  }) =>
  async ({ headers, id, clientAddress, details }: FastifyRequest, reply: FastifyReply): Promise<GatewayContext> => {
    const signal = clientSignal(reply);
    const deadlineMs = performance.now() + operationTimeoutMs;
    const { authorization } = headers;
    const caller = await authenticate(authorization);
    details.callerId = caller?.userId;
    await rateLimits.admitUser(caller);
    const traceparent = traceparentOf(headers.traceparent);
    return { caller, requestId: id, clientAddress, authorization, traceparent, deadlineMs, signal, details };
  };
