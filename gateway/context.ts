import type { FastifyRequest } from 'fastify';
import type { RequestContext } from '#platform/graphql-server.ts';
import { type Authenticate, clientAddressOf } from '#platform/identity.ts';
import type { RateLimits } from './rate-limits.ts';

/** What one operation carries to the subgraphs, and by when it must be answered. */
export interface GatewayContext extends RequestContext {
  readonly authorization: string | undefined;
  /** On the clock of performance.now(). */
  readonly deadlineMs: number;
  /** Aborted when the client goes away before it is answered. */
  readonly signal: AbortSignal;
}

/**
 * Reads a request's context: its caller is verified here, once, and the caller's budget and its address's are drawn
 * on, before the operation is parsed and any subgraph is asked.
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
  async ({ headers: { authorization }, id, ip, signal }: FastifyRequest): Promise<GatewayContext> => {
    const deadlineMs = performance.now() + operationTimeoutMs;
    const clientAddress = clientAddressOf(ip);
    await rateLimits.admitAddress(clientAddress);
    const caller = await authenticate(authorization);
    await rateLimits.admitUser(caller);
    return { caller, requestId: id, clientAddress, authorization, deadlineMs, signal };
  };
