import {
  connect,
  Events,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  nanos,
  StorageType,
} from 'nats';
import type { Logger } from '../logger.ts';

/** A JetStream stream, by the name and the subjects that it has without a prefix. */
export interface StreamDefinition {
  readonly name: string;
  readonly subjects: readonly string[];
}

/** The connection to NATS: reconnects for ever, and says truthfully whether it is up. */
export interface Broker {
  isConnected(): boolean;
  /** JetStream, once the first connection stands; waits for it without limit. */
  jetStream(): Promise<{ client: JetStreamClient; manager: JetStreamManager }>;
  /** Creates the stream, or brings its settings up to date. */
  ensureStream(stream: StreamDefinition): Promise<void>;
  /** The subject that messages of a type are published on. */
  subject(type: string): string;
  /** The type of the messages on a subject. */
  type(subject: string): string;
  /** The name of a stream or durable consumer on the server. */
  resourceName(name: string): string;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 2_000;
const DAY_MS = 86_400_000;
const MESSAGE_AGE_MAX_MS = 7 * DAY_MS;
const DUPLICATE_WINDOW_MS = 120_000;

/** The stream of messages that a consumer gave up on, one subject per consumer. */
export const deadLetterStream: StreamDefinition = { name: 'DEAD_LETTERS', subjects: ['dead-letters.>'] };

/** Connects in the background: the process starts, unready, while the broker is away. */
export function createBroker({
  settings,
  name,
  logger,
}: {
  settings: { NATS_URL: string; NATS_REPLICAS: number; NATS_SUBJECT_PREFIX: string };
  name: string;
  logger: Logger;
}): Broker {
  const prefix = settings.NATS_SUBJECT_PREFIX;
  const resourceName = (resource: string) => prefix.replace('.', '_').toUpperCase() + resource;
  let up = false;
  const connecting = connect({
    servers: settings.NATS_URL.split(','),
    name,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    timeout: REQUEST_TIMEOUT_MS,
    // A server that hangs is noticed after two unanswered pings, about 10 s.
    pingInterval: 5_000,
    maxPingOut: 2,
    // Otherwise every request, and so every publication, takes a stack trace.
    noAsyncTraces: true,
  });
  let connection: NatsConnection | undefined;
  const opened = connecting.then(async (open) => {
    connection = open;
    up = true;
    void watch(open);
    const manager = await open.jetstreamManager({ checkAPI: false, timeout: REQUEST_TIMEOUT_MS });
    return { client: open.jetstream({ timeout: REQUEST_TIMEOUT_MS }), manager };
  });
  opened.catch((error) => logger.fatal({ err: error }, 'the broker refused the connection'));

  async function watch(open: NatsConnection): Promise<void> {
    for await (const { type } of open.status()) {
      if (type === Events.Disconnect) {
        up = false;
        logger.warn('broker disconnected');
      } else if (type === Events.Reconnect) {
        up = true;
        logger.info('broker connected again');
      }
    }
    up = false;
  }

  return {
    isConnected: () => up,
    jetStream: () => opened,
    subject: (type) => prefix + type,
    type: (subject) => subject.slice(prefix.length),
    resourceName,
    async ensureStream(stream) {
      const { manager } = await opened;
      const config = {
        name: resourceName(stream.name),
        subjects: stream.subjects.map((subject) => prefix + subject),
        storage: StorageType.File,
        num_replicas: settings.NATS_REPLICAS,
        duplicate_window: nanos(DUPLICATE_WINDOW_MS),
        max_age: nanos(MESSAGE_AGE_MAX_MS),
      };
      try {
        await manager.streams.info(config.name);
      } catch {
        await manager.streams.add(config);
        return;
      }
      await manager.streams.update(config.name, config);
    },
    async close() {
      // Draining waits for the server; without one there is nothing to wait for.
      await (up ? connection?.drain() : connection?.close());
    },
  };
}
