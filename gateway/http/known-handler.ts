import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { GatewayContext } from '../context.ts';
import type { KnownDocuments } from '../execution/known-documents.ts';
import type { Supergraph } from '../supergraph/supergraph.ts';

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<string | undefined>;

const JSON_TYPES: ReadonlySet<unknown> = new Set(['application/json', 'application/json; charset=utf-8']);
const ACCEPT_HEADERS_MAX = 100;

/**
 * Creates a handler that answers operations of known documents without Apollo Server, but with the same responses.
 * `answer` returns undefined and does nothing for every other request.
 */
export function createKnownHandler({
  supergraph,
  knownDocuments,
  readContext,
  refuse,
  formatError,
}: {
  supergraph: Supergraph;
  knownDocuments: KnownDocuments;
  readContext: (request: FastifyRequest, reply: FastifyReply) => Promise<GatewayContext>;
  refuse: (request: FastifyRequest, reply: FastifyReply, refusal: unknown) => Promise<string>;
  formatError: (formatted: GraphQLFormattedError, thrown: unknown) => GraphQLFormattedError;
}): { answer: Handler; learn(request: FastifyRequest, reply: FastifyReply): void } {
  /** The content type that Apollo Server chose for an Accept header. */
  const contentTypes = new LRUCache<string, string>({ max: ACCEPT_HEADERS_MAX });
  const format = (error: GraphQLError) => {
    const { code = 'INTERNAL_SERVER_ERROR' } = error.extensions;
    return formatError({ ...error.toJSON(), extensions: { ...error.extensions, code } }, error);
  };

  return {
    async answer(request, reply) {
      const { method, headers, body } = request;
      const contentType = contentTypes.get(headers.accept ?? '');
      if (contentType === undefined || method !== 'POST' || !JSON_TYPES.has(headers['content-type'])) return undefined;
      const operation = knownDocuments.find(body);
      const execute = operation && supergraph.prepare(operation);
      if (execute === undefined) return undefined;
      let result: Awaited<ReturnType<typeof execute>>;
      try {
        result = await execute(await readContext(request, reply));
      } catch (refusalOrFault) {
        return refuse(request, reply, refusalOrFault);
      }
      const { data, errors } = result;
      reply.code(data === undefined ? 400 : 200).type(contentType);
      return `${JSON.stringify({ errors: errors?.map(format), data })}\n`;
    },
    learn({ method, headers: { accept = '' } }, reply) {
      const type = reply.getHeader('content-type');
      if (method === 'POST' && reply.statusCode === 200 && typeof type === 'string') contentTypes.set(accept, type);
    },
  };
}
