import { readFile } from 'node:fs/promises';
import { v7 } from 'uuid';
import { deadLetterStream } from '#platform/messaging/broker.ts';
import { createConsumer } from '#platform/messaging/consumer.ts';
import { parseDeadLetter } from '#platform/messaging/dead-letter.ts';
import { pruneInbox } from '#platform/messaging/inbox.ts';
import { createSealer } from '#platform/messaging/sealer.ts';
import { createStreamKeeper } from '#platform/messaging/stream-keeper.ts';
import { createBounds } from '#platform/process/bounds.ts';
import { configOrExit } from '#platform/process/config.ts';
import { createSubgraphService } from '#platform/subgraph-service.ts';
import { bookingStream } from '../booking/messaging/contract.ts';
import { eventStream } from '../event/messaging/contract.ts';
import { userStream } from '../user/messaging/contract.ts';
import { createAccountMailWorker } from './commands/account-mail-worker.ts';
import { createChangeWorker } from './commands/change-worker.ts';
import { createDeliveryMetrics } from './commands/delivery-metrics.ts';
import { createDeliveryWorker } from './commands/delivery-worker.ts';
import { startWebhooks } from './commands/start-webhooks.ts';
import { readConfig } from './config.ts';
import type { Channels } from './domain/delivery.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import type { Context } from './graphql/context.ts';
import { createLoaders } from './graphql/loaders.ts';
import { resolvers } from './graphql/resolvers.ts';
import { createEmailChannel, unconfiguredEmailChannel } from './messaging/email-channel.ts';
import { bookingHandlers, deadLetterHandlers, eventHandlers, userHandlers } from './messaging/handlers.ts';
import { createLogChannel } from './messaging/log-channel.ts';
import { policy } from './policy.ts';
import { pruneAccountMails } from './store/account-mails.ts';
import { pruneDeletedUsers } from './store/deleted-users.ts';
import {
  pruneDeadLetters,
  pruneEventDetails,
  pruneNotifications,
  pruneOldEventChanges,
  pruneUnassignedMessages,
  pruneWebhookDeliveries,
} from './store/retention.ts';

const config = configOrExit(readConfig);
const service = createSubgraphService('notification', config);
const { broker, lifecycle, logger, metrics, sql } = service;

const newId = () => v7();
const database = new PrismaClient({ adapter: service.adapter });

const mail = config.mail && createEmailChannel(config.mail);
if (mail !== undefined) lifecycle.onStop('mail', mail.close);
const channels: Channels = { EMAIL: mail ?? unconfiguredEmailChannel, LOG: createLogChannel(logger) };
const deliveryMetrics = createDeliveryMetrics({ database, metrics });
const startDelivery = (name: keyof Channels) =>
  createDeliveryWorker({
    name,
    channel: channels[name],
    retryHours: config.NOTIFICATION_RETRY_HOURS,
    database: sql,
    logger,
    metrics: deliveryMetrics,
  });
const deliveries = { EMAIL: startDelivery('EMAIL'), LOG: startDelivery('LOG') };
lifecycle.onStop('delivery', () => Promise.all([deliveries.EMAIL.stop(), deliveries.LOG.stop()]));
const accountMails = createAccountMailWorker({
  send: mail?.send,
  sealer: createSealer(config.ACCOUNT_MAIL_SECRET),
  publicUrl: config.PUBLIC_URL,
  database: sql,
  logger,
  metrics,
});
lifecycle.onStop('account mails', accountMails.stop);
const channel = mail === undefined ? 'LOG' : 'EMAIL';

const webhooks = startWebhooks({ config, send: mail?.send, newId, database: sql, logger, metrics });
lifecycle.onStop('webhooks', webhooks.stop);

lifecycle.onStop(
  'changes of events',
  createChangeWorker({ channel, database: sql, logger, metrics, onNotified: deliveries[channel].nudge }).stop,
);

const shared = { database: sql, broker, logger, metrics };
const consumers = {
  'notification-users': { stream: userStream, handlers: userHandlers, onCommitted: accountMails.nudge },
  'notification-events': {
    stream: eventStream,
    handlers: eventHandlers({ newId }),
    onCommitted: webhooks.worker.nudge,
  },
  'notification-bookings': {
    stream: bookingStream,
    // Nobody is notified of a hold.
    skippedTypes: ['hold.'],
    handlers: bookingHandlers({ channel, newId }),
    onCommitted() {
      deliveries[channel].nudge();
      webhooks.worker.nudge();
    },
  },
  'notification-dead-letters': {
    stream: deadLetterStream,
    handlers: deadLetterHandlers({ newId }),
    parse: parseDeadLetter,
  },
};
for (const [name, consumer] of Object.entries(consumers)) {
  service.addOptionalDependency(name, createConsumer({ ...shared, ...consumer, name }));
}

const bounds = createBounds({ logger, metrics });
const stream = { ...deadLetterStream, bytesMax: config.DEAD_LETTERS_STREAM_BYTES_MAX };
service.addOptionalDependency('dead letters', {
  ...createStreamKeeper({ broker, stream, bounds, logger, metrics }),
  warning: bounds.warning,
});
service.prune({
  'received messages': pruneInbox(sql),
  notifications: pruneNotifications(database, config.NOTIFICATION_KEEP_DAYS),
  'dead letters': pruneDeadLetters(database, config.DEAD_LETTER_KEEP_DAYS),
  'mails with expired tokens': pruneAccountMails(sql),
  'data of deleted users': pruneDeletedUsers(sql),
  'event facts': pruneEventDetails(database, config.NOTIFICATION_KEEP_DAYS),
  'webhook deliveries': pruneWebhookDeliveries(database, config.WEBHOOK_KEEP_DAYS),
  'unassigned messages': pruneUnassignedMessages(database, config.WEBHOOK_KEEP_DAYS),
  'event changes': pruneOldEventChanges(database, config.NOTIFICATION_KEEP_DAYS),
});

const dependencies = { database, broker, deliveries, webhooks, newId };
await service.serve<Context>({
  typeDefs: await readFile(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers,
  policy,
  acceptedProofs: config.NOTIFICATION_SUBGRAPH_SECRET,
  createContext: (request) => ({ ...request, dependencies, ...createLoaders(dependencies) }),
});
