import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { request } from 'undici';
import { createGraphQLClient } from '#platform/graphql-client.ts';
import { createHttpServer } from '#platform/http-server.ts';
import { createAuthenticator } from '#platform/identity.ts';
import type { Lifecycle } from '#platform/lifecycle.ts';
import type { Logger } from '#platform/logger.ts';
import { createRateLimiters } from '#platform/rate-limiter.ts';
import { type ReadinessCheck, stateCheck } from '#platform/readiness.ts';
import { createRedis } from '#platform/redis.ts';
import type { GatewayConfig } from './config.ts';
import { createContextReader } from './context.ts';
import { serveExplorer } from './explorer.ts';
import { serveGraph } from './graph-endpoint.ts';
import { createRateLimits, noRateLimits, type RateLimits } from './rate-limits.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { createSubgraphClient } from './subgraph-client.ts';
import { createSupergraph } from './supergraph.ts';
import { createSupergraphFile } from './supergraph-file.ts';

interface Process {
  config: GatewayConfig;
  logger: Logger;
  metrics: Registry;
  lifecycle: Lifecycle;
}

/** The gateway, ready to listen; no subgraph need be there yet. */
export async function createGateway({ config, logger, metrics, lifecycle }: Process): Promise<FastifyInstance> {
  const subgraphs = Object.entries(config.subgraphs).map(([name, { url, secret }]) => {
    const client = createGraphQLClient({ url, secret });
    lifecycle.onStop(`client of ${name}`, () => client.close());
    return { name, url, source: createSubgraphClient({ name, client, timeoutMs: config.SUBGRAPH_TIMEOUT_MS, logger }) };
  });
  const file = createSupergraphFile({ path: config.SUPERGRAPH_PATH, logger });
  const limits = config.RATE_LIMITS ? startRateLimits({ config, logger, metrics, lifecycle }) : undefined;
  const rateLimits = limits ?? noRateLimits;
  const http = createHttpServer({
    logger,
    metrics,
    lifecycle,
    readiness: Object.fromEntries(subgraphs.map(({ name, url }) => [name, readinessOf(url)])),
    uses: {
      supergraph: stateCheck(file.isServed, 'the file is refused, the schema before it is served'),
      ...(limits && { limits: stateCheck(limits.areShared, 'each process counts for itself') }),
    },
    bodyLimitBytes: config.BODY_BYTES_MAX,
    trustedProxies: config.TRUSTED_PROXIES ?? [],
  });
  await http.register(helmet, SECURITY_HEADERS);
  const authenticate = createAuthenticator({
    publicKeys: config.JWT_PUBLIC_KEYS,
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
  });
  const graph = await serveGraph({
    http,
    gateway: createSupergraph({
      file,
      subgraphs: new Map(subgraphs.map(({ name, source }) => [name, source])),
      logger,
    }),
    readContext: createContextReader({
      authenticate,
      rateLimits,
      operationTimeoutMs: config.OPERATION_TIMEOUT_MS,
    }),
    rateLimits,
    config,
    logger,
    metrics,
  });
  if (config.NODE_ENV !== 'production') serveExplorer(http);
  lifecycle.onStop('graph', graph.stop);
  lifecycle.onStop('http', () => http.close());
  return http;
}

function startRateLimits({ config, logger, metrics, lifecycle }: Process): RateLimits & { areShared(): boolean } {
  const redis = createRedis({ url: config.REDIS_URL, tlsCa: config.REDIS_TLS_CA, name: 'gateway', logger });
  lifecycle.onStop('rate limits', () => redis.disconnect());
  const limits = createRateLimits(createRateLimiters({ redis, metrics }), {
    userPoints: config.RATE_LIMIT_USER,
    addressPoints: config.RATE_LIMIT_ADDRESS,
  });
  return { ...limits, areShared: () => redis.status === 'ready' };
}

/** Whether a subgraph says that it is ready itself. */
function readinessOf(graphqlUrl: string): ReadinessCheck {
  const url = new URL('/ready', graphqlUrl);
  return async (signal) => {
    const { statusCode, body } = await request(url, { signal });
    await body.dump();
    await stateCheck(() => statusCode === 200, 'not ready')();
  };
}
