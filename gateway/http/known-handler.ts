import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { createResponseText, type FormatError } from '#platform/graphql/response-text.ts';
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
  formatError: FormatError;
}): { answer: Handler; learn(request: FastifyRequest, reply: FastifyReply): void } {
  /** The content type that Apollo Server chose for an Accept header. */
  const contentTypes = new LRUCache<string, string>({ max: ACCEPT_HEADERS_MAX });
  const textOf = createResponseText(formatError);

  return {
    async answer(request, reply) {
      const { method, headers, body } = request;
      const contentType = contentTypes.get(headers.accept ?? '');
      if (contentType === undefined || method !== 'POST' || !JSON_TYPES.has(headers['content-type'])) return undefined;
      const operation = knownDocuments.find(body);
      const execute = operation && supergraph.prepare(operation);
      if (execute === undefined) return undefined;
      request.details.operation = operation?.operation.name?.value;
      request.details.operationType = operation?.operation.operation;
      let result: Awaited<ReturnType<typeof execute>>;
      try {
        result = await execute(await readContext(request, reply));
      } catch (refusalOrFault) {
        return refuse(request, reply, refusalOrFault);
      }
      reply.code(result.data === undefined ? 400 : 200).type(contentType);
      return textOf(result);
    },
    learn({ method, headers: { accept = '' } }, reply) {
      const type = reply.getHeader('content-type');
      const isJson = typeof type === 'string' && !type.startsWith('text/event-stream');
      if (method === 'POST' && reply.statusCode === 200 && isJson) contentTypes.set(accept, type);
    },
  };
}
