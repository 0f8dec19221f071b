import type { FastifyRequest } from 'fastify';
import type { RequestContext } from '#platform/graphql-server.ts';
import type { Authenticate } from '#platform/identity.ts';

/** What one operation carries to the subgraphs, and by when it must be answered. */
export interface GatewayContext extends RequestContext {
  readonly authorization: string | undefined;
  /** On the clock of performance.now(). */
  readonly deadlineMs: number;
}

/** Reads a request's context: its caller is verified here, once, before any subgraph is asked. */
export const createContextReader =
  ({ authenticate, operationTimeoutMs }: { authenticate: Authenticate; operationTimeoutMs: number }) =>
  async ({ headers: { authorization }, id }: FastifyRequest): Promise<GatewayContext> => {
    const deadlineMs = performance.now() + operationTimeoutMs;
    return { caller: await authenticate(authorization), requestId: id, authorization, deadlineMs };
  };
