import type { FastifyInstance } from 'fastify';
import { request } from 'undici';
import { createCallMetrics } from '#platform/clients/call-metrics.ts';
import { createGraphQLClient } from '#platform/clients/graphql-client.ts';
import { serveDebugEndpoints } from '#platform/http/debug-endpoints.ts';
import { createHttpServer } from '#platform/http/http-server.ts';
import { createAuthenticator } from '#platform/identity/identity.ts';
import { createBroker } from '#platform/messaging/broker.ts';
import { brokerDebug } from '#platform/messaging/debug.ts';
import type { Process } from '#platform/process/process.ts';
import { type ReadinessCheck, stateCheck } from '#platform/process/readiness.ts';
import { redisDebug } from '#platform/redis/debug.ts';
import { createRateLimiters } from '#platform/redis/rate-limiter.ts';
import { createRedis } from '#platform/redis/redis.ts';
import type { GatewayConfig } from './config.ts';
import { createContextReader } from './context.ts';
import { createKnownDocuments } from './execution/known-documents.ts';
import { serveBoxOffice } from './http/box-office.ts';
import { serveExplorer } from './http/explorer.ts';
import { serveGraph } from './http/graph-endpoint.ts';
import { addSecurityHeaders } from './http/security-headers.ts';
import { createQueryLimits } from './limits/query-limits.ts';
import { createRateLimits, noRateLimits } from './limits/rate-limits.ts';
import { createLiveSubgraph, LIVE } from './live/live-subgraph.ts';
import type { EndReason } from './live/stream.ts';
import { createSubgraphClient, type SubgraphClient } from './supergraph/subgraph-client.ts';
import { createSupergraph } from './supergraph/supergraph.ts';
import { createSupergraphFile } from './supergraph/supergraph-file.ts';

/** A parsed and compiled document takes some 200 bytes for each character of its text. */
const KNOWN_DOCUMENT_CHARACTERS_MAX = 256 * 1_024;

type GatewayProcess = Process & { config: GatewayConfig };

/** Creates the gateway, ready to listen. The subgraphs may still be down. */
export async function createGateway({ config, logger, metrics, lifecycle }: GatewayProcess): Promise<FastifyInstance> {
  const subgraphs = Object.entries(config.subgraphs).map(([name, { url, secret }]) => {
    const callMetrics = createCallMetrics({ server: name, metrics, logger });
    const client = createGraphQLClient({ url, secret, callMetrics });
    lifecycle.onStop(`client of ${name}`, () => client.close());
    const source = createSubgraphClient({
      name,
      client,
      timeoutMs: config.SUBGRAPH_TIMEOUT_MS,
      queryTimeoutMs: config.SUBGRAPH_QUERY_TIMEOUT_MS,
      logger,
    });
    return { name, url, source };
  });
  const sources = new Map(subgraphs.map(({ name, source }) => [name, source]));
  const file = createSupergraphFile({ path: config.SUPERGRAPH_PATH, logger });
  const shared = config.RATE_LIMITS ? startRateLimits({ config, logger, metrics, lifecycle }) : undefined;
  const rateLimits = shared ?? noRateLimits;
  const limits = config.LIMITS ? createQueryLimits(config) : undefined;
  const broker = createBroker({ settings: config, name: 'gateway', logger });
  lifecycle.onStop('broker', () => broker.close());
  const http = createHttpServer({
    logger,
    metrics,
    lifecycle,
    required: Object.fromEntries(subgraphs.map(({ name, url }) => [name, readinessOf(url)])),
    optional: {
      broker: stateCheck(broker.isConnected, 'NATS is down; subscriptions are paused'),
      supergraph: stateCheck(file.isServed, 'the supergraph file was refused; the previous one is served'),
      ...(shared && { limits: stateCheck(shared.areShared, 'Redis is down; each replica counts on its own') }),
    },
    bodyLimitBytes: config.BODY_BYTES_MAX,
    trustedProxies: config.TRUSTED_PROXIES ?? [],
    streamsMax: config.LIVE_STREAMS_MAX,
  });
  await addSecurityHeaders(http);
  const authenticate = createAuthenticator({
    publicKeys: config.JWT_PUBLIC_KEYS,
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
  });
  let endStreams: (reason: EndReason) => void = () => undefined;
  const knownDocuments = createKnownDocuments(KNOWN_DOCUMENT_CHARACTERS_MAX);
  const graph = await serveGraph({
    http,
    supergraph: createSupergraph({
      file,
      subgraphs: new Map([...sources, [LIVE, createLiveSubgraph(sources.get('event') as SubgraphClient)]]),
      checkOperation: limits?.checkOperation,
      onKnown({ source, queryHash, document, metrics: { persistedQueryHit } }) {
        if (source === undefined || config.TRUSTED_DOCUMENTS === 'log') return;
        knownDocuments.remember({ text: source, hash: persistedQueryHit ? queryHash : undefined, document });
      },
      onSchemaChange() {
        knownDocuments.clear();
        endStreams('schema_changed');
      },
      logger,
      metrics,
    }),
    knownDocuments,
    readContext: createContextReader({
      authenticate,
      rateLimits,
      operationTimeoutMs: config.OPERATION_TIMEOUT_MS,
    }),
    rateLimits,
    limits,
    broker,
    subgraphs: {
      askEvents: sources.get('event') as SubgraphClient,
      askBookings: sources.get('booking') as SubgraphClient,
    },
    config,
    logger,
    metrics,
  });
  if (config.DEBUG_ENDPOINTS) {
    const sources = { nats: brokerDebug(broker), ...(shared && { redis: shared.debug }) };
    serveDebugEndpoints(http, { authenticate, sources });
  }
  const isDevelopment = config.NODE_ENV !== 'production';
  if (isDevelopment) await serveExplorer(http);
  if (config.servesBoxOffice) await serveBoxOffice({ http, logger });
  else if (isDevelopment) http.get('/', (_request, reply) => reply.redirect('/graphiql'));
  lifecycle.onStop('graph', graph.stop);
  lifecycle.onStop('http', () => http.close());
  endStreams = graph.endStreams;
  lifecycle.onStop('streams', () => endStreams('stopping'));
  return http;
}

function startRateLimits({ config, logger, metrics, lifecycle }: GatewayProcess) {
  const redis = createRedis({ url: config.REDIS_URL, tlsCa: config.REDIS_TLS_CA, name: 'gateway', logger });
  lifecycle.onStop('rate limits', () => redis.disconnect());
  const limits = createRateLimits(createRateLimiters({ redis, logger, metrics }), {
    userPoints: config.RATE_LIMIT_USER,
    addressPoints: config.RATE_LIMIT_ADDRESS,
  });
  return { ...limits, areShared: () => redis.status === 'ready', debug: redisDebug(redis) };
}

function readinessOf(graphqlUrl: string): ReadinessCheck {
  const url = new URL('/ready', graphqlUrl);
  return async (signal) => {
    const { statusCode, body } = await request(url, { signal });
    await body.dump();
    await stateCheck(() => statusCode === 200, 'not ready')();
  };
}
