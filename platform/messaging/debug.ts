import { ErrorCode, type JetStreamManager, NatsError } from 'nats';
import { type DebugSource, NoAnswerError } from '../process/debug.ts';
import type { Broker, StreamDefinition } from './broker.ts';
import { isMissing } from './streams.ts';

/** The state of the connection to NATS, of the streams that this process uses, and of their consumers. */
export const brokerDebug = (broker: Broker): DebugSource => ({
  known: () => ({ connection: broker.isConnected() ? 'connected' : 'disconnected', server: broker.server() }),
  async ask() {
    if (!broker.isConnected()) throw new NoAnswerError('not connected');
    const { manager } = await broker.jetStream();
    const streams = broker.usedStreams().map(async (stream) => {
      return [stream.name, await orReason(streamState(broker, manager, stream))] as const;
    });
    // Together, so that the rejection of each is handled.
    const [account, states] = await Promise.all([orReason(accountState(manager)), Promise.all(streams)]);
    return { account, streams: Object.fromEntries(states) };
  },
});

async function accountState(manager: JetStreamManager): Promise<object> {
  const { storage, memory, streams, consumers, limits } = await manager.getAccountInfo();
  const { max_storage, max_memory, max_streams, max_consumers } = limits;
  return { storage, memory, streams, consumers, limits: { max_storage, max_memory, max_streams, max_consumers } };
}

async function streamState(broker: Broker, manager: JetStreamManager, stream: StreamDefinition): Promise<object> {
  const name = broker.resourceName(stream.name);
  const { config, state, cluster } = await manager.streams.info(name);
  const { messages, bytes, first_seq, last_seq, first_ts, last_ts } = state;
  const consumers = stream.consumers.map(async (consumer) => {
    return [consumer, await orReason(consumerState(manager, name, broker.resourceName(consumer)))] as const;
  });
  return {
    ...{ messages, bytes, max_bytes: config.max_bytes, first_seq, last_seq, first_ts, last_ts },
    ...{ replicas: config.num_replicas, leader: cluster?.leader },
    consumers: Object.fromEntries(await Promise.all(consumers)),
  };
}

async function consumerState(manager: JetStreamManager, stream: string, consumer: string): Promise<object> {
  const info = await manager.consumers.info(stream, consumer);
  const { num_pending, num_ack_pending, num_redelivered, num_waiting, delivered, ack_floor } = info;
  const positions = { delivered: delivered.stream_seq, ack_floor: ack_floor.stream_seq };
  return { num_pending, num_ack_pending, num_redelivered, num_waiting, ...positions };
}

/** Returns a reason in place of a part that does not exist or that the account may not read. */
async function orReason(part: Promise<object>): Promise<object | string> {
  try {
    return await part;
  } catch (error) {
    if (isMissing(error)) return 'missing';
    if (error instanceof NatsError && error.code === ErrorCode.PermissionsViolation) return 'not permitted';
    throw error;
  }
}
