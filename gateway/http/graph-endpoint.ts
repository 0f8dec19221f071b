import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default';
import cors from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DocumentNode } from 'graphql';
import type { Registry } from 'prom-client';
import { createApolloHandler, askApollo as requestApollo } from '#platform/graphql/apollo-handler.ts';
import { createBoundedCache } from '#platform/graphql/bounded-cache.ts';
import { createErrorMask } from '#platform/graphql/error-mask.ts';
import { apolloSettings, quietPlugins } from '#platform/graphql/graphql-server.ts';
import { clientAddressOf } from '#platform/identity/identity.ts';
import type { Broker } from '#platform/messaging/broker.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { GatewayConfig } from '../config.ts';
import type { GatewayContext } from '../context.ts';
import type { KnownDocuments } from '../execution/known-documents.ts';
import { knownOperationTypesRule } from '../limits/known-operation-types.ts';
import type { createQueryLimits } from '../limits/query-limits.ts';
import type { RateLimits } from '../limits/rate-limits.ts';
import { readTrustedDocuments } from '../limits/trusted-documents.ts';
import { MISTAKES_MAX } from '../limits/variables.ts';
import { createListeners } from '../live/listeners.ts';
import { createLiveEndpoint } from '../live/live-endpoint.ts';
import type { EndReason } from '../live/stream.ts';
import type { Supergraph } from '../supergraph/supergraph.ts';
import { createAttendeesHandler } from './attendees.ts';
import { createKnownHandler } from './known-handler.ts';
import { NAME_CHARACTERS_MAX, observeOperations } from './operation-metrics.ts';
import { countRefusals, createRefusalMask } from './refusals.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The client's address for rate limits. See clientAddressOf. */
    clientAddress: string;
  }
}

/** A parsed document uses about 100 bytes of memory for each character of its source. */
const DOCUMENT_CHARACTERS_MAX = 512 * 1_024;
const PERSISTED_QUERY_CHARACTERS_MAX = 4 * 1_024 * 1_024;
const PREFLIGHT_MAX_AGE_S = 7_200;
/** The headers that pages of other origins may send in production. */
const ALLOWED_HEADERS = [
  'authorization',
  'content-type',
  'x-request-id',
  'traceparent',
  'apollo-require-preflight',
  'apollographql-client-name',
  'apollographql-client-version',
];

/**
 * Serves GraphQL at GET and POST /graphql, and the attendees of an event as a file, with CORS for `config.corsOrigins`. Call endStreams() before the HTTP server is
 * closed, and stop() afterwards.
 */
export async function serveGraph({
  http,
  supergraph,
  knownDocuments,
  readContext,
  rateLimits,
  limits,
  broker,
  subgraphs,
  config,
  logger,
  metrics,
}: {
  http: FastifyInstance;
  supergraph: Supergraph;
  knownDocuments: KnownDocuments;
  readContext: (request: FastifyRequest, reply: FastifyReply) => Promise<GatewayContext>;
  rateLimits: RateLimits;
  limits: ReturnType<typeof createQueryLimits> | undefined;
  broker: Broker;
  /** The subgraphs that downloads ask directly. */
  subgraphs: Pick<Parameters<typeof createAttendeesHandler>[0], 'askEvents' | 'askBookings'>;
  config: GatewayConfig;
  logger: Logger;
  metrics: Registry;
}): Promise<{ endStreams(reason: EndReason): void; stop(): Promise<void> }> {
  const isProduction = config.NODE_ENV === 'production';
  const landingPage = isProduction
    ? ApolloServerPluginLandingPageDisabled()
    : ApolloServerPluginLandingPageLocalDefault({ embed: { runTelemetry: false } });
  const { TRUSTED_DOCUMENTS: mode, TRUSTED_DOCUMENTS_PATH: path } = config;
  const trusted = mode === 'off' ? undefined : readTrustedDocuments({ path, mode, logger });
  const formatError = createRefusalMask({
    mask: createErrorMask(logger),
    countRefusal: countRefusals(http, metrics),
    isClosed: mode === 'enforce',
  });
  const registered = createBoundedCache<string>({
    sizeMax: PERSISTED_QUERY_CHARACTERS_MAX,
    sizeOf: ({ length }) => length,
  });
  const apollo = new ApolloServer<GatewayContext>({
    ...apolloSettings,
    ...limits?.options,
    validationRules: [knownOperationTypesRule, ...(limits?.options.validationRules ?? [])],
    // Finding the line of each error takes time in proportion to the document.
    validationOptions: { maxErrors: MISTAKES_MAX, hideSuggestions: true },
    gateway: supergraph.gateway,
    nodeEnv: config.NODE_ENV,
    introspection: !isProduction,
    documentStore: createBoundedCache<DocumentNode>({
      sizeMax: DOCUMENT_CHARACTERS_MAX,
      sizeOf: ({ loc }) => loc?.source.body.length ?? 0,
    }),
    persistedQueries: { cache: trusted?.cacheOver(registered) ?? registered },
    plugins: [
      ...quietPlugins<GatewayContext>(),
      landingPage,
      chargeForNewDocuments(rateLimits),
      nameOperations,
      ...(trusted ? [trusted.plugin] : []),
    ],
    formatError,
    logger,
  });
  await apollo.start();
  const askApollo = createApolloHandler(apollo, readContext);
  const known = createKnownHandler({ supergraph, knownDocuments, readContext, refuse, formatError });

  const listeners = createListeners({ broker, config, formatError, metrics });

  /**
   * Refuses an address that is over its budget before the body is read. The response has the form of Apollo Server's.
   */
  async function admitAddress(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    request.clientAddress = clientAddressOf(request.ip);
    try {
      return await rateLimits.admitAddress(request.clientAddress);
    } catch (refusal) {
      return reply.send(await refuse(request, reply, refusal));
    }
  }

  /** Returns a refusal in the form of Apollo Server. */
  function refuse(request: FastifyRequest, reply: FastifyReply, refusal: unknown): Promise<string> {
    return createApolloHandler<GatewayContext>(apollo, () => Promise.reject(refusal))(request, reply);
  }

  http.decorateRequest('clientAddress', '');
  await http.register(async (scope) => {
    const { learn, observeStream } = observeOperations(scope, metrics);
    const answerLive = createLiveEndpoint({
      listeners,
      settings: config,
      ask: (request, context) => requestApollo(apollo, request, context),
      readContext,
      refuse,
      observe: observeStream,
      logger,
    });
    if (config.corsOrigins.length > 0) {
      await scope.register(cors, {
        origin: config.corsOrigins.includes('*') ? '*' : config.corsOrigins,
        methods: ['GET', 'POST'],
        // Without a list, every requested header is allowed: Apollo Sandbox sends headers of its own and of its users.
        ...(isProduction && { allowedHeaders: ALLOWED_HEADERS }),
        exposedHeaders: ['x-request-id', 'retry-after'],
        credentials: false,
        maxAge: PREFLIGHT_MAX_AGE_S,
      });
    }
    scope.route({
      method: 'GET',
      // It would read the whole file.
      exposeHeadRoute: false,
      url: '/events/:id/attendees.csv',
      onRequest: admitAddress,
      handler: createAttendeesHandler({
        ...subgraphs,
        readContext,
        operationTimeoutMs: config.OPERATION_TIMEOUT_MS,
        logger,
      }),
    });
    scope.route({
      method: ['GET', 'POST'],
      url: '/graphql',
      onRequest: admitAddress,
      handler: async (request, reply) => {
        const answer = await known.answer(request, reply);
        if (answer !== undefined) {
          learn(request);
          return answer;
        }
        const other = (await answerLive(request, reply)) ?? (await askApollo(request, reply));
        known.learn(request, reply);
        return other;
      },
    });
  });
  return {
    endStreams: listeners.endAll,
    async stop() {
      listeners.stop();
      await apollo.stop();
    },
  };
}

/** Draws on the address's budget for every document that is not in the cache, even if it turns out to be invalid. */
const chargeForNewDocuments = ({ chargeDocument }: RateLimits): ApolloServerPlugin<GatewayContext> => ({
  requestDidStart: async () => ({
    parsingDidStart: async ({ contextValue }) => chargeDocument(contextValue.clientAddress),
  }),
});

/** Sets the names and types of operations that Apollo Server handles. */
const nameOperations: ApolloServerPlugin<GatewayContext> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ operationName, operation, contextValue: { details } }) => {
      details.operation = operationName?.slice(0, NAME_CHARACTERS_MAX);
      details.operationType = operation?.operation;
    },
  }),
};
