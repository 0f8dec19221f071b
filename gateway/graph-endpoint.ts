import { ApolloServer, type ApolloServerOptionsWithGateway } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default';
import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { DocumentNode } from 'graphql';
import { createApolloHandler } from '#platform/apollo-handler.ts';
import { createErrorMask } from '#platform/errors.ts';
import { apolloSettings, quietPlugins } from '#platform/graphql-server.ts';
import type { Logger } from '#platform/logger.ts';
import { createBoundedCache } from './bounded-cache.ts';
import type { GatewayContext } from './context.ts';

/** A parsed document takes some 100 bytes for each character of its source. */
const DOCUMENT_CHARACTERS_MAX = 512 * 1_024;
const PERSISTED_QUERY_CHARACTERS_MAX = 4 * 1_024 * 1_024;
const PREFLIGHT_MAX_AGE_S = 7_200;

/** Serves the graph at GET and POST /graphql, to pages of the given origins too; call stop() when HTTP is drained. */
export async function serveGraph({
  http,
  gateway,
  readContext,
  origins,
  nodeEnv,
  logger,
}: {
  http: FastifyInstance;
  gateway: ApolloServerOptionsWithGateway<GatewayContext>['gateway'];
  readContext: (request: FastifyRequest) => Promise<GatewayContext>;
  origins: readonly string[];
  nodeEnv: string;
  logger: Logger;
}): Promise<{ stop(): Promise<void> }> {
  const isProduction = nodeEnv === 'production';
  const landingPage = isProduction
    ? ApolloServerPluginLandingPageDisabled()
    : ApolloServerPluginLandingPageLocalDefault({ embed: true });
  const apollo = new ApolloServer<GatewayContext>({
    ...apolloSettings,
    gateway,
    nodeEnv,
    introspection: !isProduction,
    documentStore: createBoundedCache<DocumentNode>({
      sizeMax: DOCUMENT_CHARACTERS_MAX,
      sizeOf: ({ loc }) => loc?.source.body.length ?? 0,
    }),
    persistedQueries: {
      cache: createBoundedCache<string>({ sizeMax: PERSISTED_QUERY_CHARACTERS_MAX, sizeOf: ({ length }) => length }),
    },
    plugins: [...quietPlugins<GatewayContext>(), landingPage],
    formatError: createErrorMask(logger),
    logger,
  });
  await apollo.start();

  await http.register(async (scope) => {
    if (origins.length > 0) {
      await scope.register(cors, {
        origin: [...origins],
        methods: ['GET', 'POST'],
        allowedHeaders: [
          'authorization',
          'content-type',
          'x-request-id',
          'apollo-require-preflight',
          'apollographql-client-name',
          'apollographql-client-version',
        ],
        credentials: false,
        maxAge: PREFLIGHT_MAX_AGE_S,
      });
    }
    scope.route({
      method: ['GET', 'POST'],
      url: '/graphql',
      handler: createApolloHandler(apollo, readContext),
    });
  });
  return { stop: () => apollo.stop() };
}
