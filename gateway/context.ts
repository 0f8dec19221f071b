import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import { clientSignal } from '#platform/http/client-signal.ts';
import type { Authenticate } from '#platform/identity/identity.ts';
import type { OperationDetails } from './http/operation-metrics.ts';
import type { RateLimits } from './limits/rate-limits.ts';

/** The context of one operation: the data that goes to the subgraphs, and the deadline of the answer. */
export interface GatewayContext extends RequestContext {
  readonly authorization: string | undefined;
  /** The trace context of the operation, for the calls of the subgraphs. */
  readonly traceparent: string | undefined;
  /** On the clock of performance.now(). */
  readonly deadlineMs: number;
  /** Aborted when the client disconnects before it has the answer. */
  readonly signal: AbortSignal;
  /** For the log line and the metrics of the operation. */
  readonly details: OperationDetails;
}

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
  async (
    { headers, id, clientAddress, details, span }: FastifyRequest,
    reply: FastifyReply,
  ): Promise<GatewayContext> => {
    const signal = clientSignal(reply);
    const deadlineMs = performance.now() + operationTimeoutMs;
    const { authorization } = headers;
    const caller = await authenticate(authorization);
    details.callerId = caller?.userId;
    await rateLimits.admitUser(caller);
    const { traceparent } = span;
    return { caller, requestId: id, clientAddress, authorization, traceparent, deadlineMs, signal, details };
  };
