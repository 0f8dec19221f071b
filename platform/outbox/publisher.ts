import type { Registry } from 'prom-client';
import type { SqlClient } from '../database/database.ts';
import type { Broker, StreamDefinition } from '../messaging/broker.ts';
import { createStreamKeeper } from '../messaging/stream-keeper.ts';
import { createBounds } from '../process/bounds.ts';
import type { OutboxBounds } from '../process/config.ts';
import type { Logger } from '../process/logger.ts';
import { createBacklog } from './backlog.ts';
import { createRelay } from './relay.ts';

/** The part of an outbox that commands use, in addition to writing rows. */
export type Publisher = Pick<ReturnType<typeof createPublisher>, 'nudge' | 'requireRoom'>;

/** Starts to publish a service's outbox to the stream that the service owns, and keeps both within their bounds. */
export function createPublisher({
  settings,
  ...parts
}: {
  settings: OutboxBounds;
  database: SqlClient;
  broker: Broker;
  stream: StreamDefinition;
  logger: Logger;
  metrics: Registry;
}) {
  const bounds = createBounds(parts);
  const keeper = createStreamKeeper({ ...parts, bounds });
  const backlog = createBacklog({ ...parts, settings, bounds });
  const relay = createRelay(parts);
  return {
    nudge: relay.nudge,
    requireRoom: backlog.requireRoom,
    isHealthy: () => relay.isHealthy() && keeper.isHealthy(),
    warning: bounds.warning,
    async stop(): Promise<void> {
      await Promise.all([keeper.stop(), backlog.stop(), relay.stop()]);
    },
  };
}
