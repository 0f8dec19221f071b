import { type ApolloServer, type BaseContext, HeaderMap } from '@apollo/server';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Hands a Fastify request to Apollo Server. Unlike @as-integrations/fastify it builds no URL from the Host header, which
 * a client can garble into an error of ours, and which costs more than the rest of it.
 */
export const createApolloHandler =
  <Context extends BaseContext>(
    apollo: ApolloServer<Context>,
    readContext: (request: FastifyRequest, reply: FastifyReply) => Promise<Context>,
  ) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
    const { method, headers, url, body } = request;
    const queryAt = url.indexOf('?');
    const answer = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method,
        headers: toHeaderMap(headers),
        search: queryAt < 0 ? '' : url.slice(queryAt),
        body,
      },
      context: () => readContext(request, reply),
    });
    if (answer.body.kind !== 'complete') throw new Error('The schema has no incremental delivery.');
    reply.code(answer.status ?? 200).headers(Object.fromEntries(answer.headers));
    // The landing page, which has a policy of its own in its head.
    if (answer.headers.get('content-type') === 'text/html') reply.removeHeader('content-security-policy');
    return answer.body.string;
  };

function toHeaderMap(headers: FastifyRequest['headers']): HeaderMap {
  const map = new HeaderMap();
  for (const name in headers) {
    const value = headers[name];
    if (value) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}
