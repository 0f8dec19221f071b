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
import { type GraphQLFormattedError, type GraphQLSchema, parse } from 'graphql';
import { applyPolicy } from '../identity/apply-policy.ts';
import type { Policy } from '../identity/authorization.ts';
import {
  type Authenticate,
  type Caller,
  CLIENT_ADDRESS_HEADER,
  GATEWAY_PROOF_HEADER,
  isGatewayProof,
} from '../identity/identity.ts';
import { answerInTime } from './answer-in-time.ts';
import { createApolloHandler } from './apollo-handler.ts';

/** What every request brings along. */
export interface RequestContext {
  readonly caller: Caller | null;
  readonly requestId: string;
  /** Who asks, as rate limits see it. */
  readonly clientAddress: string;
}

/** Apollo Server's settings that gateway and subgraphs share: nothing reported, nothing leaked, no batching. */
export const apolloSettings = {
  allowBatchedHttpRequests: false,
  csrfPrevention: true,
  includeStacktraceInErrorResponses: false,
  hideSchemaDetailsFromClientErrors: true,
  stopOnTerminationSignals: false,
} as const;

/** Plugins that Apollo Server would otherwise add by itself; the first two wrap every resolver. */
export const quietPlugins = <Context extends BaseContext>(): ApolloServerPlugin<Context>[] => [
  ApolloServerPluginCacheControlDisabled(),
  ApolloServerPluginInlineTraceDisabled(),
  ApolloServerPluginSchemaReportingDisabled(),
  ApolloServerPluginUsageReportingDisabled(),
];

/** A subgraph's schema, held to its policy. */
export function createSubgraphSchema<Context>({ typeDefs, resolvers, policy }: SubgraphSchema<Context>): GraphQLSchema {
  const schema = buildSubgraphSchema([{ typeDefs: parse(typeDefs), resolvers: resolvers as never }]);
  applyPolicy(schema, policy);
  return schema;
}

export interface SubgraphSchema<Context> {
  typeDefs: string;
  resolvers: unknown;
  policy: Policy<Context>;
}

/**
 * Serves a subgraph at POST /graphql, to requests only that carry the gateway's proof; it believes the time left and the
 * client's address of no other request. The access token is verified
 * again, so that a subgraph reached directly is no weaker than the gateway.
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
  formatError: (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;
}): Promise<void> {
  const apollo = new ApolloServer<Context>({
    ...apolloSettings,
    schema: createSubgraphSchema<Context>(graph),
    introspection: false,
    persistedQueries: false,
    plugins: [...quietPlugins<Context>(), ApolloServerPluginLandingPageDisabled()],
    formatError,
  });
  await apollo.start();
  const context = async ({ headers, id, ip }: FastifyRequest) =>
    createContext({
      caller: await authenticate(headers.authorization),
      requestId: id,
      clientAddress: String(headers[CLIENT_ADDRESS_HEADER] ?? ip),
    });
  const requireProof = async (request: FastifyRequest, reply: FastifyReply) => {
    if (isGatewayProof(request.headers[GATEWAY_PROOF_HEADER], acceptedProofs)) return;
    const refusal = { message: 'Subgraphs answer the gateway only.', extensions: { code: 'FORBIDDEN' } };
    return reply.code(403).send({ errors: [refusal] });
  };
  http.post('/graphql', { onRequest: requireProof }, answerInTime(createApolloHandler(apollo, context)));
}
