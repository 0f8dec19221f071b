import { readFile } from 'node:fs/promises';
import { v7 as newId } from 'uuid';
import { createCallMetrics } from '#platform/clients/call-metrics.ts';
import { createGraphQLClient } from '#platform/clients/graphql-client.ts';
import { pruneIdempotencyKeys } from '#platform/database/pruning.ts';
import { createConsumer } from '#platform/messaging/consumer.ts';
import { pruneInbox } from '#platform/messaging/inbox.ts';
import { pruneOutbox } from '#platform/outbox/prune.ts';
import { createPublisher } from '#platform/outbox/publisher.ts';
import { configOrExit } from '#platform/process/config.ts';
import { createOutageLog } from '#platform/process/outage-log.ts';
import { createPoller } from '#platform/process/poller.ts';
import { createRedis } from '#platform/redis/redis.ts';
import { createSubgraphService } from '#platform/subgraph-service.ts';
import { eventStream } from '../event/messaging/contract.ts';
import { createAdmission, openAdmission } from './commands/admission.ts';
import { createBatchAllocation } from './commands/allocate-batch.ts';
import { createAllocator } from './commands/allocator.ts';
import { countExpiredSeats, measureRequests, measureTransactions } from './commands/allocator-metrics.ts';
import { closeNextEvent } from './commands/close-events.ts';
import { keepDeadlines } from './commands/keep-deadlines.ts';
import { createPlaces } from './commands/places.ts';
import { requireRoom } from './commands/require-room.ts';
import { readConfig } from './config.ts';
import { createBookingRules, createHoldRules } from './domain/booking-input.ts';
import { createEventFactsClient } from './event-facts-client.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import type { Context } from './graphql/context.ts';
import { createLoaders } from './graphql/loaders.ts';
import { resolvers } from './graphql/resolvers.ts';
import { createHoldSweeper } from './hold-sweeper.ts';
import { bookingStream } from './messaging/contract.ts';
import { eventHandlers } from './messaging/event-handlers.ts';
import { policy } from './policy.ts';
import { createReconciler } from './reconciler.ts';
import { pruneHolds } from './store/holds.ts';
import { createLines } from './store/lines.ts';
import { createUsersClient } from './users-client.ts';

const CLOSE_POLL_MS = 1_000;
/** The life of a place in a line. It must be longer than any wait. */
const PLACE_LIFE_S = 3_600;
/** Longer than the event loop is busy at the start of a sale, because without its line everybody would be let through. */
const LINE_TIMEOUT_MS = 500;

const config = configOrExit(readConfig);
const service = createSubgraphService('booking', config);
const { broker, lifecycle, logger, metrics, sql } = service;

const database = new PrismaClient({ adapter: service.adapter });
const stream = { ...bookingStream, bytesMax: config.BOOKINGS_STREAM_BYTES_MAX };
const relay = createPublisher({ settings: config, database: sql, broker, stream, logger, metrics });
service.addOptionalDependency('relay', relay);

const eventClient = createGraphQLClient({
  url: config.EVENT_SUBGRAPH_URL,
  secret: config.EVENT_SUBGRAPH_SECRET[0],
  callMetrics: createCallMetrics({ server: 'event', metrics, logger }),
});
lifecycle.onStop('event client', eventClient.close);
const eventFacts = createEventFactsClient(eventClient, config.EVENT_SUBGRAPH_TIMEOUT_MS);
const userClient = createGraphQLClient({
  url: config.USER_SUBGRAPH_URL,
  secret: config.USER_SUBGRAPH_SECRET[0],
  callMetrics: createCallMetrics({ server: 'user', metrics, logger }),
});
lifecycle.onStop('user client', userClient.close);
const allocation = createBatchAllocation({
  transact: sql.$transaction,
  newId: () => newId(),
  onCommitted: countExpiredSeats(metrics),
});
const allocator = createAllocator({
  allocation: measureTransactions(allocation, metrics),
  queueMax: config.BOOKING_QUEUE_MAX,
  queueTimeoutMs: config.BOOKING_QUEUE_TIMEOUT_MS,
  // Leaves the other connections to the batch, the relay, the consumer and reads.
  heldLanesMax: Math.floor(config.DATABASE_POOL_MAX / 4),
  roomLog: createOutageLog({
    logger,
    began: 'the queue of the allocator is full; requests are refused',
    over: 'the allocator no longer refuses requests',
  }),
});
lifecycle.onStop('allocator', allocator.stop);

const seats = keepDeadlines(measureRequests(requireRoom(allocator, relay), metrics));

function startAdmission() {
  const { REDIS_URL: url, REDIS_TLS_CA: tlsCa } = config;
  const redis = createRedis({ url, tlsCa, name: 'booking', commandTimeoutMs: LINE_TIMEOUT_MS, logger });
  const lines = createLines(redis, { lifeS: PLACE_LIFE_S });
  service.addOptionalDependency('lines', lines);
  const admission = createAdmission({
    allocator: seats,
    lines,
    places: createPlaces(config.BOOKING_SUBGRAPH_SECRET, { lifeS: PLACE_LIFE_S }),
    waitingMax: config.ADMISSION_WAITING_MAX,
    logger,
    metrics,
  });
  lifecycle.onStop('admission', admission.stop);
  return admission;
}

const dependencies = {
  database,
  sql,
  allocator: seats,
  admission: config.ADMISSION_WAITING_MAX > 0 ? startAdmission() : openAdmission(seats),
  eventFacts,
  users: createUsersClient(userClient, config.USER_SUBGRAPH_TIMEOUT_MS),
  relay,
  createBookingRules: createBookingRules(config.MAX_SEATS_PER_BOOKING),
  holdSeatsRules: createHoldRules(config.MAX_SEATS_PER_BOOKING),
  holdTtlSeconds: config.HOLD_TTL_SECONDS,
  newId: () => newId(),
};

const closing = createPoller({
  intervalMs: CLOSE_POLL_MS,
  run: () => closeNextEvent(dependencies, { isStopping: () => lifecycle.stopping }),
  onError: (error) => logger.warn({ err: error }, 'closing a cancelled event failed; it will be tried again'),
});
lifecycle.onStop('closing', closing.stop);
const reconciler = createReconciler(dependencies, service);
lifecycle.onStop('reconciler', reconciler.stop);
lifecycle.onStop('hold sweeper', createHoldSweeper(dependencies, logger).stop);
service.prune({
  'published messages': pruneOutbox(sql),
  'received messages': pruneInbox(sql),
  'idempotency keys': pruneIdempotencyKeys(database, config.IDEMPOTENCY_TTL_SECONDS),
  'ended holds': pruneHolds(sql, config.IDEMPOTENCY_TTL_SECONDS),
});
service.addOptionalDependency(
  'consumer',
  createConsumer({
    name: 'booking-events',
    stream: eventStream,
    handlers: eventHandlers,
    database: sql,
    broker,
    logger,
    metrics,
  }),
);

const createRequestLoaders = createLoaders(dependencies);

await service.serve<Context>({
  typeDefs: await readFile(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers,
  policy,
  acceptedProofs: config.BOOKING_SUBGRAPH_SECRET,
  createContext: (request) => ({ ...request, dependencies, ...createRequestLoaders() }),
});
