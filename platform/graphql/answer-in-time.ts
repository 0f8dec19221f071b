import type { FastifyReply, FastifyRequest } from 'fastify';
import { readTimeLeftMs, runWithDeadline, TIME_LEFT_HEADER } from '../clients/deadline.ts';
import { isMutation } from '../clients/graphql-client.ts';
import { unavailable } from '../errors/errors.ts';
import { clientSignal } from '../http/client-signal.ts';

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<string>;

const TOO_LATE = JSON.stringify({ errors: [unavailable()] });

/**
 * Answers a GraphQL request within the time that its caller has left. When `handle` takes longer, the answer is
 * SERVICE_UNAVAILABLE, which tells the caller that this process works and one of its dependencies is slow. After that
 * no further SQL statement begins. The same holds for a query when its caller disconnects, but not for a mutation.
 */
export const answerInTime =
  (handle: Handler): Handler =>
  async (request, reply) => {
    const leftMs = readTimeLeftMs(request.headers[TIME_LEFT_HEADER]);
    const { query } = (request.body ?? {}) as { query?: unknown };
    const deadline = {
      atMs: performance.now() + leftMs,
      ...(typeof query === 'string' && !isMutation(query) && { signal: clientSignal(reply) }),
    };
    const { promise: late, resolve } = Promise.withResolvers<string>();
    const timer = setTimeout(() => {
      reply.type('application/json; charset=utf-8');
      resolve(TOO_LATE);
    }, leftMs);
    try {
      return await Promise.race([runWithDeadline(deadline, () => handle(request, reply)), late]);
    } finally {
      clearTimeout(timer);
    }
  };
