import type { FastifyReply, FastifyRequest } from 'fastify';
import { readTimeLeftMs, runWithDeadline, TIME_LEFT_HEADER } from '../clients/deadline.ts';
import { isMutation } from '../clients/graphql-client.ts';
import { unavailable } from '../errors/errors.ts';
import { clientSignal } from '../http/client-signal.ts';

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<string>;

const TOO_LATE = JSON.stringify({ errors: [unavailable()] });

/**
 * Answers a GraphQL request within the time that its caller has left: with SERVICE_UNAVAILABLE when `handle` takes longer,
 * so that the caller learns that this process lives and something behind it is slow. From then on, and for a query from
 * the moment its caller closes the connection, no further statement begins. A mutation goes on without its caller.
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
