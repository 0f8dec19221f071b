import {
  connect,
  DiscardPolicy,
  Events,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  nanos,
  StorageType,
  type StreamConfig,
} from 'nats';
import type { Logger } from '../logger.ts';
import { createWhereMissing, refuseWhereFull } from './streams.ts';

/** A JetStream stream, by the names and the subjects that it has without a prefix. */
export interface StreamDefinition {
  readonly name: string;
  readonly subjects: readonly string[];
  /** The durable consumers that must have acknowledged a message before it may make room for others. */
  readonly consumers: readonly string[];
  /** The disk that it may take. A full stream refuses messages; it drops none. */
  readonly bytesMax: number;
}

/** The connection to NATS: reconnects for ever, and says truthfully whether it is up. */
export interface Broker {
  isConnected(): boolean;
  /** JetStream, once the first connection stands; waits for it without limit. */
  jetStream(): Promise<{ client: JetStreamClient; manager: JetStreamManager }>;
  /** Creates the stream where it is missing; its owner keeps its settings, see createStreamKeeper. */
  ensureStream(stream: StreamDefinition): Promise<void>;
  /**
   * The same, before a publication. @throws Error when the stream is nearly full, so that its own limit is never met: up
   * to 2.9 a server that is asked to refuse messages then still drops an old one for a new one that just fits.
   */
  requireRoom(stream: StreamDefinition): Promise<void>;
  /** The stream's settings as the server takes them. */
  streamConfig(stream: StreamDefinition): Partial<StreamConfig> & { name: string; max_bytes: number };
  /** The subject that messages of a type are published on. */
  subject(type: string): string;
  /** The type of the messages on a subject. */
  type(subject: string): string;
  /** The name of a stream or durable consumer on the server. */
  resourceName(name: string): string;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 2_000;
const DUPLICATE_WINDOW_MS = 120_000;
/** As much as the server's max_payload in every configuration of this repository. */
const MESSAGE_BYTES_MAX = 2 * 2 ** 20;

/** The stream of messages that a consumer gave up on, one subject per consumer. */
export const deadLetterStream: StreamDefinition = {
  name: 'DEAD_LETTERS',
  subjects: ['dead-letters.>'],
  consumers: ['notification-dead-letters'],
  bytesMax: 128 * 2 ** 20,
};

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

  const streamConfig: Broker['streamConfig'] = ({ name: streamName, subjects, bytesMax }) => ({
    name: resourceName(streamName),
    subjects: subjects.map((subject) => prefix + subject),
    storage: StorageType.File,
    num_replicas: settings.NATS_REPLICAS,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    // The server drops nothing by itself, neither by age nor for new messages: it does not ask who has had it.
    max_age: 0,
    max_bytes: bytesMax,
    max_msg_size: MESSAGE_BYTES_MAX,
    discard: DiscardPolicy.New,
  });

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
      await createWhereMissing(manager, streamConfig(stream));
    },
    async requireRoom(stream) {
      const { manager } = await opened;
      refuseWhereFull(await createWhereMissing(manager, streamConfig(stream)));
    },
    streamConfig,
    async close() {
      // Draining waits for the server; without one there is nothing to wait for.
      await (up ? connection?.drain() : connection?.close());
    },
  };
}
