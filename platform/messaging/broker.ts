import { type JetStreamClient, type JetStreamManager, nanos, StorageType } from 'nats';
import type { BrokerAddress } from '../connections/nats.ts';
import type { Logger } from '../logger.ts';
import { keepConnected } from './keep-connected.ts';

/** A JetStream stream, by the name and the subjects that it has without a prefix. */
export interface StreamDefinition {
  readonly name: string;
  readonly subjects: readonly string[];
}

/** The connection to NATS: reconnects for ever, and says truthfully whether it is up. */
export interface Broker {
  isConnected(): boolean;
  /** JetStream, once there is a connection; waits for it without limit. */
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

const DAY_MS = 86_400_000;
const MESSAGE_AGE_MAX_MS = 7 * DAY_MS;
const DUPLICATE_WINDOW_MS = 120_000;

/** The stream of messages that a consumer gave up on, one subject per consumer. */
export const deadLetterStream: StreamDefinition = { name: 'DEAD_LETTERS', subjects: ['dead-letters.>'] };

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

  return {
    isConnected: connection.isConnected,
    jetStream: connection.jetStream,
    subject: (type) => prefix + type,
    type: (subject) => subject.slice(prefix.length),
    resourceName,
    async ensureStream(stream) {
      const { manager } = await connection.jetStream();
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
    close: connection.close,
  };
}
