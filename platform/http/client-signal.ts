import type { FastifyReply } from 'fastify';

/**
 * A signal that is aborted when the client closes the connection before it has its answer. Fastify's own `request.signal`
 * does not serve: it is also aborted once the request's body has been read.
 */
export function clientSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
