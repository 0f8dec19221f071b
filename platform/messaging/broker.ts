import { DiscardPolicy, nanos, StorageType } from 'nats';
import type { BrokerAddress } from '../connections/nats.ts';
import type { Logger } from '../process/logger.ts';
import { keepConnected, type Tap } from './keep-connected.ts';
import { createWhereMissing, refuseWhereFull } from './streams.ts';

/** A JetStream stream. Names and subjects are without the prefix of the broker. */
export interface StreamDefinition {
  readonly name: string;
  readonly subjects: readonly string[];
  /** The durable consumers that must have acknowledged a message before it may be deleted. */
  readonly consumers: readonly string[];
  /** The maximum disk space of the stream. A full stream refuses new messages and deletes no old ones. */
  readonly bytesMax: number;
}

const DUPLICATE_WINDOW_MS = 120_000;
/** Equal to the server's max_payload in every configuration of this repository. */
const MESSAGE_BYTES_MAX = 2 * 2 ** 20;

/** The stream for messages that a consumer could not process, with one subject per consumer. */
export const deadLetterStream: StreamDefinition = {
  name: 'DEAD_LETTERS',
  subjects: ['dead-letters.>'],
  consumers: ['notification-dead-letters'],
  bytesMax: 128 * 2 ** 20,
};

export interface BrokerSettings extends BrokerAddress {
  /** The number of copies of each stream. A process that creates no streams needs no number. */
  NATS_REPLICAS?: number;
  NATS_SUBJECT_PREFIX: string;
}

/** A tap of message types instead of subjects. A type may be a pattern, such as `booking.>`. */
interface TypeTap extends Pick<Tap, 'onChange'> {
  readonly types: readonly string[];
  onMessage(type: string, body: Uint8Array): void;
}

export type Broker = ReturnType<typeof createBroker>;

/**
 * Creates the connection to NATS. It connects in the background, so that a process can start while the broker is down,
 * and reconnects without limit.
 */
export function createBroker({ settings, name, logger }: { settings: BrokerSettings; name: string; logger: Logger }) {
  const prefix = settings.NATS_SUBJECT_PREFIX;
  /** The name of a stream or durable consumer on the server. */
  const resourceName = (resource: string) => prefix.replace('.', '_').toUpperCase() + resource;
  const connection = keepConnected({ address: settings, name, logger });
  const used = new Map<string, StreamDefinition>();

  /** The stream's settings in the form of the server. */
  function streamConfig(stream: StreamDefinition) {
    used.set(stream.name, stream);
    return {
      name: resourceName(stream.name),
      subjects: stream.subjects.map((subject) => prefix + subject),
      storage: StorageType.File,
      num_replicas: settings.NATS_REPLICAS ?? 1,
      duplicate_window: nanos(DUPLICATE_WINDOW_MS),
      // The server must not delete messages by age or for space: it does not check whether consumers received them.
      max_age: 0,
      max_bytes: stream.bytesMax,
      max_msg_size: MESSAGE_BYTES_MAX,
      discard: DiscardPolicy.New,
    };
  }

  return {
    isConnected: connection.isConnected,
    server: connection.server,
    /** The streams that this process owns or reads. */
    usedStreams: () => [...used.values()],
    jetStream: connection.jetStream,
    /** Receives messages of some types while they are published. See keepConnected. */
    tap: ({ types, onMessage, onChange }: TypeTap): (() => void) =>
      connection.tap({
        subjects: types.map((type) => prefix + type),
        onMessage: (subject, body) => onMessage(subject.slice(prefix.length), body),
        onChange,
      }),
    /** The subject on which messages of a type are published. */
    subject: (type: string) => prefix + type,
    /** The type of the messages on a subject. */
    type: (subject: string) => subject.slice(prefix.length),
    resourceName,
    /** Creates the stream if it is missing. Only the owner of a stream updates its settings, see createStreamKeeper. */
    async ensureStream(stream: StreamDefinition): Promise<void> {
      const { manager } = await connection.jetStream();
      await createWhereMissing(manager, streamConfig(stream));
    },
    /**
     * To be called before a publication. Creates the stream if it is missing.
     * @throws Error when the stream is nearly full. Its own limit must never be reached: servers up to 2.9 can then
     *   delete an old message for a new one, although their configuration says to refuse the new one.
     */
    async requireRoom(stream: StreamDefinition): Promise<void> {
      const { manager } = await connection.jetStream();
      refuseWhereFull(await createWhereMissing(manager, streamConfig(stream)));
    },
    streamConfig,
    close: connection.close,
  };
}
