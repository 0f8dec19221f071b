import { AckPolicy, type ConsumerMessages, DeliverPolicy, type JsMsg, NatsError, nanos } from 'nats';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { z } from 'zod';
import { type SqlClient, type SqlExecutor, TRANSACTION_LIMITS } from '../database/database.ts';
import { isUnavailable } from '../errors/outages.ts';
import type { Logger } from '../process/logger.ts';
import { createPoller } from '../process/poller.ts';
import { type Broker, deadLetterStream, type StreamDefinition } from './broker.ts';
import { publishDeadLetter } from './dead-letter.ts';
import { recordInInbox } from './inbox.ts';
import { parseMessage, type ReceivedMessage } from './message.ts';

/** What one version of one message means here: its form, and its effect within the inbox's transaction. */
export interface MessageHandler<Transaction> {
  readonly schema: z.ZodType;
  apply(transaction: Transaction, messages: readonly ReceivedMessage<never>[]): Promise<void>;
}

/** Ties a handler's effect to the type of its schema. The effect must not depend on the order of messages. */
export const onMessage = <Transaction, Schema extends z.ZodType>(
  schema: Schema,
  apply: (transaction: Transaction, messages: readonly ReceivedMessage<z.output<Schema>>[]) => Promise<void>,
): MessageHandler<Transaction> => ({ schema, apply });

export interface Consumer {
  /** True while it can receive and the last attempt to apply what it received succeeded. */
  isHealthy(): boolean;
  /** Stops pulling and finishes and acknowledges what is in hand. */
  stop(): Promise<void>;
}

/** A message in hand, and what it says. */
interface Delivery {
  readonly message: JsMsg;
  readonly content: ReceivedMessage<unknown>;
}

/** JetStream's number for a consumer that exists with other settings. */
const CONSUMER_EXISTS = 10_148;
const PULL_MAX = 256;
/** Of all replicas together. What waits for a retry counts too: far fewer than these never keep a neighbour waiting. */
const UNANSWERED_MAX = 1_024;
const BATCH_MAX = 100;
const ACK_WAIT_MS = 30_000;
const PULL_EXPIRES_MS = 10_000;
const RETRY_DELAYS_MS = [1_000, 5_000, 30_000, 120_000];
const NO_DEAD_LETTER_RETRY_MS = 5_000;
const RECONNECT_MS = 500;
/** Under load, messages are applied together. */
const PAUSE_MS = 5;

/**
 * A durable consumer of one stream. Messages that wait together are applied together, in one transaction with their
 * inbox rows, and acknowledged after its commit; when that fails the batch is halved until the bad message is alone
 * and holds up no neighbour. A message that keeps failing is tried again after each of `retryDelaysMs` and then goes
 * to the dead letters; a dead letter itself has nowhere to go and is tried for ever. While the database is away the
 * messages wait here, and nothing counts as their own failure. A lost connection, stream or consumer is set up again
 * for ever. `onCommitted` is called after each commit.
 * @throws when the stream does not wait for a consumer of this name: it could lose messages before they get here
 */
export function createConsumer<Transaction extends SqlExecutor>({
  name,
  stream,
  handlers,
  parse = ({ data }) => parseMessage(data),
  onCommitted = () => undefined,
  retryDelaysMs = RETRY_DELAYS_MS,
  database,
  broker,
  logger,
  metrics,
}: {
  name: string;
  stream: StreamDefinition;
  handlers: Readonly<Record<string, MessageHandler<Transaction>>>;
  parse?: (message: JsMsg) => ReceivedMessage<unknown>;
  onCommitted?: () => void;
  retryDelaysMs?: readonly number[];
  database: SqlClient<Transaction>;
  broker: Broker;
  logger: Logger;
  metrics: Registry;
}): Consumer {
  if (!stream.consumers.includes(name)) throw new Error(`${stream.name} does not name ${name} among its consumers`);
  const counters = consumerMetrics(metrics);
  /** Received and not answered yet, oldest first. */
  const inHand = new Set<JsMsg>();
  let source: ConsumerMessages | undefined;
  let healthy = true;
  let stopping = false;

  const poller = createPoller({
    intervalMs: RECONNECT_MS,
    pauseMs: PAUSE_MS,
    async run() {
      if (stopping) await source?.close();
      else if (source === undefined && broker.isConnected()) source = await subscribe();
      const hadMore = inHand.size > BATCH_MAX;
      do await consumeNext();
      while (stopping && inHand.size > 0);
      setHealthy(true);
      return hadMore;
    },
    onError(error) {
      if (healthy) logger.warn({ err: error, consumer: name }, 'consumer interrupted; it goes on');
      setHealthy(false);
    },
  });

  const isHealthy = () => healthy && source !== undefined && broker.isConnected();

  function setHealthy(value: boolean): void {
    healthy = value;
    counters.up.set({ consumer: name }, isHealthy() ? 1 : 0);
  }

  async function subscribe(): Promise<ConsumerMessages> {
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
      // The server would drop a message in silence; giving up is decided here, with a dead letter.
      max_deliver: -1,
    };
    try {
      await manager.consumers.add(streamName, settings);
    } catch (error) {
      // Servers before 2.10 take this for an update; newer ones refuse it where another release has set other values.
      if (!(error instanceof NatsError && error.api_error?.err_code === CONSUMER_EXISTS)) throw error;
      await manager.consumers.update(streamName, durable, settings);
    }
    const pulled = await client.consumers.get(streamName, durable);
    const messages = await pulled.consume({
      max_messages: PULL_MAX,
      expires: PULL_EXPIRES_MS,
      // Ends when stream or consumer are gone.
      abort_on_missing_resource: true,
      callback: (message) => {
        inHand.add(message);
        poller.nudge();
      },
    });
    void messages.closed().then(() => {
      source = undefined;
      poller.nudge();
    });
    logger.info({ consumer: name }, 'consuming');
    return messages;
  }

  async function consumeNext(): Promise<void> {
    const batch: Delivery[] = [];
    for (const message of inHand.values().take(BATCH_MAX).toArray()) {
      try {
        batch.push({ message, content: parseKnown(message) });
      } catch (error) {
        await refuse(message, error);
      }
    }
    try {
      if (batch.length > 0) await consume(batch);
    } catch (error) {
      // Not answered for longer than the broker waits, they would be delivered again.
      for (const message of inHand) message.working();
      throw error;
    }
  }

  /** @throws when the message is not in its form, or no handler knows its type and version */
  function parseKnown(message: JsMsg): ReceivedMessage<unknown> {
    const content = parse(message);
    const handler = Object.hasOwn(handlers, content.type) ? handlers[content.type] : undefined;
    if (handler === undefined) throw new Error(`no handler for ${content.type}`);
    return { ...content, data: handler.schema.parse(content.data) };
  }

  /** Applies a batch in one transaction, or in smaller ones where that fails. @throws while the database is away */
  async function consume(batch: readonly Delivery[]): Promise<void> {
    try {
      await apply(batch.map(({ content }) => content));
    } catch (error) {
      const [first] = batch;
      if (first !== undefined && batch.length === 1) return retryLater(first.message, error);
      // Not the batch's fault, the first alone will tell; else halves find the one at fault soonest.
      const size = isUnavailable(error) ? 1 : Math.ceil(batch.length / 2);
      for (let start = 0; start < batch.length; start += size) await consume(batch.slice(start, start + size));
      return;
    }
    for (const { message } of batch) answer(message).ack();
    counters.consumed.inc({ consumer: name }, batch.length);
    onCommitted();
  }

  async function apply(contents: readonly ReceivedMessage<unknown>[]): Promise<void> {
    await database.$transaction(async (transaction) => {
      const fresh = await recordInInbox(transaction, name, [...new Set(contents.map(({ id }) => id))]);
      for (const [type, handler] of Object.entries(handlers)) {
        const messages = contents.filter((one) => one.type === type && fresh.delete(one.id));
        if (messages.length > 0) await handler.apply(transaction, messages as ReceivedMessage<never>[]);
      }
    }, TRANSACTION_LIMITS);
  }

  async function retryLater(message: JsMsg, error: unknown): Promise<void> {
    if (!isUnavailable(error)) return refuse(message, error);
    // Behind the others: should it be what brings the database down, they still get their turn.
    answer(message);
    inHand.add(message);
    throw error;
  }

  async function refuse(message: JsMsg, error: unknown): Promise<void> {
    const { deliveryCount } = message.info;
    const about = { err: error, consumer: name, subject: message.subject, deliveries: deliveryCount };
    const givesUp = deliveryCount > retryDelaysMs.length && stream !== deadLetterStream;
    if (!givesUp) {
      logger.warn(about, 'message failed; tried again');
      return answer(message).nak(retryDelaysMs[deliveryCount - 1] ?? retryDelaysMs.at(-1));
    }
    const reason = error instanceof Error ? error.message : String(error);
    try {
      await publishDeadLetter(broker, { consumer: name, message, reason });
    } catch (publishError) {
      logger.warn({ ...about, err: publishError }, 'no dead letter could be stored; the message waits');
      return answer(message).nak(NO_DEAD_LETTER_RETRY_MS);
    }
    counters.deadLetters.inc({ consumer: name });
    logger.error(about, 'dead letter');
    answer(message).term();
  }

  function answer(message: JsMsg): JsMsg {
    inHand.delete(message);
    return message;
  }

  return {
    isHealthy,
    async stop() {
      stopping = true;
      await poller.stop();
    },
  };
}

/** Shared by all consumers of a process: a registry takes each name once. */
function consumerMetrics(metrics: Registry) {
  const shared = <Metric>(name: string, create: () => Metric) =>
    (metrics.getSingleMetric(name) as Metric | undefined) ?? create();
  const described = (name: string, help: string) => ({
    name,
    help,
    labelNames: ['consumer'] as const,
    registers: [metrics],
  });
  const counter = (name: string, help: string) => shared(name, () => new Counter(described(name, help)));
  const gauge = (name: string, help: string) => shared(name, () => new Gauge(described(name, help)));
  return {
    consumed: counter(
      'messages_consumed_total',
      'Messages whose effect is committed, or that were dropped as duplicates.',
    ),
    deadLetters: counter('messages_dead_lettered_total', 'Messages that a consumer gave up on.'),
    up: gauge(
      'consumer_up',
      '1 while the consumer can receive and its last attempt to apply what it received succeeded.',
    ),
  };
}
