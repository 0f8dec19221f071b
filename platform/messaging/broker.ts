import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  nanos,
  StorageType,
  type StreamConfig,
} from 'nats';
import type { BrokerAddress } from '../connections/nats.ts';
import type { Logger } from '../process/logger.ts';
import { keepConnected } from './keep-connected.ts';
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
  /** JetStream, once there is a connection; waits for it without limit. */
  jetStream(): Promise<{ client: JetStreamClient; manager: JetStreamManager }>;
  /** Creates the stream where it is missing; its owner keeps its settings, see createStreamKeeper. */
  ensureStream(stream: StreamDefinition): Promise<void>;
  /**
   * The same, before a publication. @throws Error when the stream is nearly full, so that its own limit is never met:
   * up to 2.9 a server that is asked to refuse messages then still drops an old one for a new one that just fits.
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

export interface BrokerSettings extends BrokerAddress {
  NATS_REPLICAS: number;
  NATS_SUBJECT_PREFIX: string;
}

/** Connects in the background: the process starts, unready, while the broker is away. */
export function createBroker({
  settings,
  name,
  logger,
}: {
  settings: BrokerSettings;
  name: string;
  logger: Logger;
}): Broker {
  const prefix = settings.NATS_SUBJECT_PREFIX;
  const resourceName = (resource: string) => prefix.replace('.', '_').toUpperCase() + resource;
  const connection = keepConnected({ address: settings, name, logger });

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

  return {
    isConnected: connection.isConnected,
    jetStream: connection.jetStream,
    subject: (type) => prefix + type,
    type: (subject) => subject.slice(prefix.length),
    resourceName,
    async ensureStream(stream) {
      const { manager } = await connection.jetStream();
      await createWhereMissing(manager, streamConfig(stream));
    },
    async requireRoom(stream) {
      const { manager } = await connection.jetStream();
      refuseWhereFull(await createWhereMissing(manager, streamConfig(stream)));
    },
    streamConfig,
    close: connection.close,
  };
}
