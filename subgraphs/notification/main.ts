import { readFile } from 'node:fs/promises';
import { v7 } from 'uuid';
import { configOrExit } from '#platform/config.ts';
import { prismaAdapter } from '#platform/database.ts';
import { deadLetterStream } from '#platform/messaging/broker.ts';
import { createConsumer } from '#platform/messaging/consumer.ts';
import { parseDeadLetter } from '#platform/messaging/dead-letter.ts';
import { createSubgraphService } from '#platform/service.ts';
import { createWorker } from '#platform/worker.ts';
import { bookingStream } from '../booking/messaging/contract.ts';
import { eventStream } from '../event/messaging/contract.ts';
import { userStream } from '../user/messaging/contract.ts';
import { deliverNotifications } from './commands/deliver-notifications.ts';
import { readNotificationConfig } from './config.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import { createLoaders } from './graphql/loaders.ts';
import { resolvers } from './graphql/resolvers.ts';
import { bookingHandlers, deadLetterHandlers, eventHandlers, userHandlers } from './messaging/handlers.ts';
import { createLogChannel } from './messaging/log-channel.ts';

const DELIVERY_POLL_MS = 250;
const DELIVERY_PAUSE_MS = 10;

const config = configOrExit(readNotificationConfig);
const service = createSubgraphService('notification', config);
const { broker, lifecycle, logger, metrics } = service;

const newId = () => v7();
const database = new PrismaClient({ adapter: prismaAdapter(service.pool) });
const channels = { LOG: createLogChannel(logger) };
const delivery = createWorker({
  intervalMs: DELIVERY_POLL_MS,
  pauseMs: DELIVERY_PAUSE_MS,
  run: () => deliverNotifications({ database, channels, logger }),
  onError: (error) => logger.warn({ err: error }, 'delivering notifications was interrupted; it goes on'),
});
lifecycle.onStop('delivery', delivery.stop);

const shared = { database, broker, logger, metrics };
const consumers = {
  'notification-users': { stream: userStream, handlers: userHandlers },
  'notification-events': { stream: eventStream, handlers: eventHandlers },
  'notification-bookings': {
    stream: bookingStream,
    handlers: bookingHandlers({ channel: 'LOG', newId }),
    onCommitted: delivery.nudge,
  },
  'notification-dead-letters': {
    stream: deadLetterStream,
    handlers: deadLetterHandlers({ newId }),
    parse: parseDeadLetter,
  },
};
for (const [name, consumer] of Object.entries(consumers)) {
  service.uses(name, createConsumer({ ...shared, ...consumer, name }));
}

const dependencies = { database, broker, delivery, newId };
await service.serve({
  typeDefs: await readFile(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers,
  acceptedProofs: config.NOTIFICATION_SUBGRAPH_SECRET,
  createContext: (request) => ({ ...request, dependencies, ...createLoaders(dependencies) }),
});
