import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import { clientSignal } from '#platform/http/client-signal.ts';
import type { Authenticate } from '#platform/identity/identity.ts';
import type { RateLimits } from './limits/rate-limits.ts';

/** What one operation carries to the subgraphs, and by when it must be answered. */
export interface GatewayContext extends RequestContext {
  readonly authorization: string | undefined;
  /** The client's trace, in which the subgraphs' work belongs; see TRACEPARENT. */
  readonly traceparent: string | undefined;
  /** On the clock of performance.now(). */
  readonly deadlineMs: number;
  /** Aborted when the client goes away before it is answered. */
  readonly signal: AbortSignal;
}

/** W3C Trace Context: version, trace, parent and flags. Version ff and ids of zeros only are invalid. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

const traceparentOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;

/**
 * Reads a request's context: its caller is verified here, once, and the caller's budget is drawn on, before the
 * operation is parsed and any subgraph is asked.
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
  async ({ headers, id, clientAddress }: FastifyRequest, reply: FastifyReply): Promise<GatewayContext> => {
    const signal = clientSignal(reply);
    const deadlineMs = performance.now() + operationTimeoutMs;
    const { authorization } = headers;
    const caller = await authenticate(authorization);
    await rateLimits.admitUser(caller);
    const traceparent = traceparentOf(headers.traceparent);
    return { caller, requestId: id, clientAddress, authorization, traceparent, deadlineMs, signal };
  };
