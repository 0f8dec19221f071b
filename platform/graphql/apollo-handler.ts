import { type ApolloServer, type BaseContext, HeaderMap } from '@apollo/server';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The parts of an HTTP request that Apollo Server reads. */
export type ApolloRequest = Readonly<Pick<FastifyRequest, 'method' | 'headers' | 'url' | 'body'>>;

export interface ApolloAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/**
 * Lets Apollo Server answer a request. Unlike @as-integrations/fastify it builds no URL from the Host header, because a
 * malformed header would cause an internal error, and because that costs more than the rest of the function.
 */
export async function askApollo<Context extends BaseContext>(
  apollo: ApolloServer<Context>,
  { method, headers, url, body }: ApolloRequest,
  readContext: () => Promise<Context>,
): Promise<ApolloAnswer> {
  const queryAt = url.indexOf('?');
  const answer = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method,
      headers: toHeaderMap(headers),
      search: queryAt < 0 ? '' : url.slice(queryAt),
      body,
    },
    context: readContext,
  });
  if (answer.body.kind !== 'complete') throw new Error('The schema has no incremental delivery.');
  return { status: answer.status ?? 200, headers: Object.fromEntries(answer.headers), text: answer.body.string };
}

/** Answers Fastify requests by Apollo Server. */
export const createApolloHandler =
  <Context extends BaseContext>(
    apollo: ApolloServer<Context>,
    readContext: (request: FastifyRequest, reply: FastifyReply) => Promise<Context>,
  ) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
    const { status, headers, text } = await askApollo(apollo, request, () => readContext(request, reply));
    reply.code(status).headers(headers);
    // The landing page sets its own policy in its HTML head.
    if (headers['content-type'] === 'text/html') reply.removeHeader('content-security-policy');
    return text;
  };

function toHeaderMap(headers: FastifyRequest['headers']): HeaderMap {
  const map = new HeaderMap();
  for (const name in headers) {
    const value = headers[name];
    if (value) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}
