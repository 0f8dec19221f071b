import { ApolloServer, type ApolloServerPlugin, type BaseContext } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema } from '@apollo/subgraph';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type DocumentNode, type GraphQLSchema, parse } from 'graphql';
import { clientSignal } from '../http/client-signal.ts';
import { applyPolicy } from '../identity/apply-policy.ts';
import type { Policy } from '../identity/authorization.ts';
import { type Authenticate, type Caller, GATEWAY_PROOF_HEADER, isGatewayProof } from '../identity/identity.ts';
import { answerInTime } from './answer-in-time.ts';
import { askApollo } from './apollo-handler.ts';
import { serveBatches } from './batch-endpoint.ts';
import { createBoundedCache } from './bounded-cache.ts';
import { adaptToCompiler } from './compiled-operation.ts';
import { createKnownOperations } from './known-operations.ts';
import type { FormatError } from './response-text.ts';
import { logLevelOf, operationFrom } from './subgraph-operation.ts';

/** The context of every request. */
export interface RequestContext {
  readonly caller: Caller | null;
  readonly requestId: string;
  /** The client's address for rate limits. See clientAddressOf. */
  readonly clientAddress: string;
}

/** The settings of Apollo Server that gateway and subgraphs share: no stack traces, no schema hints, no batching. */
export const apolloSettings = {
  allowBatchedHttpRequests: false,
  csrfPrevention: true,
  includeStacktraceInErrorResponses: false,
  hideSchemaDetailsFromClientErrors: true,
  stopOnTerminationSignals: false,
} as const;

/** Disables plugins that Apollo Server adds by default. The first two would wrap every resolver. */
export const quietPlugins = <Context extends BaseContext>(): ApolloServerPlugin<Context>[] => [
  ApolloServerPluginCacheControlDisabled(),
  ApolloServerPluginInlineTraceDisabled(),
  ApolloServerPluginSchemaReportingDisabled(),
  ApolloServerPluginUsageReportingDisabled(),
];

/**
 * Builds a subgraph's schema and applies its policy.
 * @throws when the policy does not fit the schema, see applyPolicy
 */
export function createSubgraphSchema<Context>({ typeDefs, resolvers, policy }: SubgraphSchema<Context>): GraphQLSchema {
  const schema = buildSubgraphSchema([{ typeDefs: parse(typeDefs), resolvers: resolvers as never }]);
  applyPolicy(schema, policy);
  adaptToCompiler(schema);
  return schema;
}

export interface SubgraphSchema<Context> {
  typeDefs: string;
  resolvers: unknown;
  policy: Policy<Context>;
}

const PATH = '/graphql';
/**
 * A parsed document takes some 50 bytes for each character of its text. Apollo Server needs it only until the operation is
 * compiled. Its own cache would grow to hundreds of megabytes.
 */
const DOCUMENT_CHARACTERS_MAX = 128 * 1_024;

/**
 * Serves a subgraph at POST /graphql, and batches of operations at POST /graphql/batch. Only requests with the
 * gateway's proof are accepted, so the headers with the time left and the client's address can be trusted. The access
 * token is verified again, so that a directly reachable subgraph is as safe as the gateway.
 */
export async function serveSubgraph<Context extends RequestContext>({
  http,
  authenticate,
  acceptedProofs,
  createContext,
  formatError,
  ...graph
}: SubgraphSchema<Context> & {
  http: FastifyInstance;
  authenticate: Authenticate;
  acceptedProofs: readonly string[];
  createContext: (request: RequestContext) => Context;
  formatError: FormatError;
}): Promise<void> {
  const schema = createSubgraphSchema<Context>(graph);
  const apollo = new ApolloServer<Context>({
    ...apolloSettings,
    schema,
    introspection: false,
    persistedQueries: false,
    documentStore: createBoundedCache<DocumentNode>({
      sizeMax: DOCUMENT_CHARACTERS_MAX,
      sizeOf: ({ loc }) => loc?.source.body.length ?? 0,
    }),
    plugins: [...quietPlugins<Context>(), ApolloServerPluginLandingPageDisabled()],
    formatError,
  });
  await apollo.start();
  const known = createKnownOperations<Context>(schema, formatError);

  const answer = answerInTime(async ({ http: request, authorization, requestId, clientAddress }) => {
    const readContext = async () =>
      createContext({ caller: await authenticate(authorization), requestId, clientAddress });
    const execution = known.prepare(request.body);
    if (execution !== undefined) {
      const context = readContext();
      const answered = await context.then(execution, () => undefined);
      return answered ?? askApollo(apollo, request, () => context);
    }
    const answered = await askApollo(apollo, request, readContext);
    if (answered.status === 200) known.learn(request.body);
    return answered;
  });

  const requireProof = async (request: FastifyRequest, reply: FastifyReply) => {
    if (isGatewayProof(request.headers[GATEWAY_PROOF_HEADER], acceptedProofs)) return;
    const refusal = { message: 'Subgraphs answer the gateway only.', extensions: { code: 'FORBIDDEN' } };
    return reply.code(403).send({ errors: [refusal] });
  };
  http.post(PATH, { onRequest: requireProof }, async (request, reply) => {
    const { headers, id, ip } = request;
    const callerSignal = clientSignal(reply);
    const answered = await answer(operationFrom(headers, { http: request, requestId: id, ip, callerSignal }));
    request.logLevel = logLevelOf((request.body as { query?: unknown } | null)?.query, answered);
    return reply.code(answered.status).headers(answered.headers).send(answered.text);
  });
  serveBatches(http, { path: PATH, requireProof, answer });
}
