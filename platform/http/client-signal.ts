import type { FastifyReply } from 'fastify';

/**
 * Returns a signal that is aborted when the client closes the connection before it has its answer. Fastify's
 * `request.signal` is not suitable: it is also aborted when the request's body has been read.
 */
export function clientSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
