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

/** The context of every request. */
export interface RequestContext {
  readonly caller: Caller | null;
  readonly requestId: string;
  /** The client's address, as rate limits count it; see clientAddressOf. */
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
 * @throws when the policy does not fit the schema; see applyPolicy
 */
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
 * Serves a subgraph at POST /graphql. Only requests with the gateway's proof are accepted, so the headers with the time
 * left and the client's address can be trusted. The access token is verified again, so that a directly reachable
 * subgraph is as safe as the gateway.
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
