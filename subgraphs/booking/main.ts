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
import { userStream } from '../user/messaging/contract.ts';
import { createAdmission, openAdmission } from './commands/admission.ts';
import { createBatchAllocation } from './commands/allocate-batch.ts';
import { createAllocator } from './commands/allocator.ts';
import { measureRequests, measureTransactions, measureWrites } from './commands/allocator-metrics.ts';
import { closeNextEvent } from './commands/close-events.ts';
import { forgetUser } from './commands/forget-user.ts';
import { keepDeadlines } from './commands/keep-deadlines.ts';
import { createPlaces } from './commands/places.ts';
import { requireRoom } from './commands/require-room.ts';
import { readConfig } from './config.ts';
import {
  createBookingRules,
  createCheckInRules,
  createHoldRules,
  createWaitlistRules,
} from './domain/booking-input.ts';
import { createEventFactsClient } from './event-facts-client.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import type { Context } from './graphql/context.ts';
import { createLoaders } from './graphql/loaders.ts';
import { resolvers } from './graphql/resolvers.ts';
import { createHoldSweeper } from './hold-sweeper.ts';
import { bookingStream } from './messaging/contract.ts';
import { eventHandlers } from './messaging/event-handlers.ts';
import { SKIPPED_USER_MESSAGES, userHandlers } from './messaging/user-handlers.ts';
import { policy } from './policy.ts';
import { createReconciler } from './reconciler.ts';
import { pruneHolds } from './store/holds.ts';
import { createLines } from './store/lines.ts';
import { pruneWaitlistEntries } from './store/waitlist.ts';
import { createTickets } from './tickets/tickets.ts';
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
  waitlist: { seatsMax: config.MAX_SEATS_PER_BOOKING, offerTtlSeconds: config.WAITLIST_HOLD_TTL_SECONDS },
  onCommitted: measureWrites(metrics),
});
const allocator = createAllocator({
  allocation: measureTransactions(allocation, metrics),
  queueMax: config.BOOKING_QUEUE_MAX,
  queueTimeoutMs: config.BOOKING_QUEUE_TIMEOUT_MS,
  // Leaves the other connections to the batch, the relay, the consumers and reads.
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
  joinWaitlistRules: createWaitlistRules(config.MAX_SEATS_PER_BOOKING),
  checkInRules: createCheckInRules(config.MAX_SEATS_PER_BOOKING),
  tickets: createTickets({ privateKey: config.TICKET_PRIVATE_KEY, publicKeys: config.TICKET_PUBLIC_KEYS }),
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
  // An offer is open for at most WAITLIST_HOLD_TTL_SECONDS, and its entry is kept as long.
  'ended waiting': pruneWaitlistEntries(sql, config.WAITLIST_HOLD_TTL_SECONDS + config.IDEMPOTENCY_TTL_SECONDS),
});
const consumers = {
  'booking-events': { stream: eventStream, handlers: eventHandlers },
  'booking-users': {
    stream: userStream,
    skippedTypes: SKIPPED_USER_MESSAGES,
    handlers: userHandlers((deletion) => forgetUser(dependencies, deletion)),
  },
};
for (const [name, consumer] of Object.entries(consumers)) {
  service.addOptionalDependency(name, createConsumer({ database: sql, broker, logger, metrics, ...consumer, name }));
}

const createRequestLoaders = createLoaders(dependencies);

await service.serve<Context>({
  typeDefs: await readFile(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers,
  policy,
  acceptedProofs: config.BOOKING_SUBGRAPH_SECRET,
  createContext: (request) => ({ ...request, dependencies, ...createRequestLoaders() }),
});
