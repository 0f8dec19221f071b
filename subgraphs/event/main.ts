import { readFile } from 'node:fs/promises';
import { v7 as newId } from 'uuid';
import { pruneIdempotencyKeys } from '#platform/database/pruning.ts';
import { pruneOutbox } from '#platform/outbox/prune.ts';
import { createPublisher } from '#platform/outbox/publisher.ts';
import { configOrExit } from '#platform/process/config.ts';
import { createCache } from '#platform/redis/cache.ts';
import { createSubgraphService } from '#platform/subgraph-service.ts';
import { createNameIndexer } from './commands/index-event-names.ts';
import { readConfig } from './config.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import type { Context } from './graphql/context.ts';
import { createLoaders } from './graphql/loaders.ts';
import { resolvers } from './graphql/resolvers.ts';
import { eventStream } from './messaging/contract.ts';
import { policy } from './policy.ts';
import { eventCacheSource } from './store/event-cache.ts';

const config = configOrExit(readConfig);
const service = createSubgraphService('event', config);
const { broker, lifecycle, logger, metrics, sql } = service;

const database = new PrismaClient({ adapter: service.adapter });
const cache = createCache({
  url: config.REDIS_URL,
  tlsCa: config.REDIS_TLS_CA,
  ttlS: config.CACHE_TTL,
  graceS: config.CACHE_GRACE,
  source: eventCacheSource(database),
  logger,
  metrics,
});
service.addOptionalDependency('cache', cache);
const stream = { ...eventStream, bytesMax: config.EVENTS_STREAM_BYTES_MAX };
const relay = createPublisher({ settings: config, database: sql, broker, stream, logger, metrics });
service.addOptionalDependency('relay', relay);
service.prune({
  'published messages': pruneOutbox(sql),
  'idempotency keys': pruneIdempotencyKeys(database, config.IDEMPOTENCY_TTL_SECONDS),
});
const nameIndexer = createNameIndexer({ database, logger });
lifecycle.onStop('name indexer', nameIndexer.stop);

const dependencies = { database, cache, relay, newId: () => newId(), now: () => new Date() };
const createRequestLoaders = createLoaders(dependencies);

await service.serve<Context>({
  typeDefs: await readFile(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers,
  policy,
  acceptedProofs: config.EVENT_SUBGRAPH_SECRET,
  createContext: (request) => ({ ...request, dependencies, ...createRequestLoaders() }),
});
