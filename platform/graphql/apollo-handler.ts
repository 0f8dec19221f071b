import { type ApolloServer, type BaseContext, HeaderMap } from '@apollo/server';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Creates a Fastify handler that passes requests to Apollo Server. Unlike @as-integrations/fastify it does not build a
 * URL from the Host header: a malformed header would cause an internal error, and parsing the URL costs more than all
 * the rest.
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
    // The landing page has its own content security policy in its <head>.
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
