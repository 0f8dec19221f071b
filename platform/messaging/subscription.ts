import { AckPolicy, type ConsumerMessages, DeliverPolicy, type JsMsg, NatsError, nanos } from 'nats';
import type { Broker, StreamDefinition } from './broker.ts';

/** The error code of JetStream for a consumer that exists with other settings. */
const CONSUMER_EXISTS = 10_148;
const PULL_MAX = 256;
/** The limit for all replicas together. It is far above the usual number, because waiting retries count as well. */
const UNANSWERED_MAX = 1_024;
const ACK_WAIT_MS = 30_000;
const PULL_EXPIRES_MS = 10_000;

/**
 * Creates or updates a durable consumer of a stream, and pulls its messages one after another. The subscription ends
 * when the connection closes, or when the stream or the consumer is deleted.
 */
export async function subscribe({
  broker,
  stream,
  name,
  onMessage,
}: {
  broker: Broker;
  stream: StreamDefinition;
  name: string;
  onMessage: (message: JsMsg) => void;
}): Promise<ConsumerMessages> {
  const durable = broker.resourceName(name);
  await broker.ensureStream(stream);
  const { client, manager } = await broker.jetStream();
  const streamName = broker.resourceName(stream.name);
  const settings = {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: UNANSWERED_MAX,
    // With a limit the server would drop a message silently. The consumer gives up itself, with a dead letter.
    max_deliver: -1,
  };
  try {
    await manager.consumers.add(streamName, settings);
  } catch (error) {
    // Servers before 2.10 treat this as an update. Newer ones refuse it when another release has set other values.
    if (!(error instanceof NatsError && error.api_error?.err_code === CONSUMER_EXISTS)) throw error;
    await manager.consumers.update(streamName, durable, settings);
  }
  const consumer = await client.consumers.get(streamName, durable);
  return consumer.consume({
    max_messages: PULL_MAX,
    expires: PULL_EXPIRES_MS,
    abort_on_missing_resource: true,
    callback: onMessage,
  });
}
