import type { ConsumerMessages, JsMsg } from 'nats';
import type { Registry } from 'prom-client';
import { runInTrace } from '../clients/deadline.ts';
import type { SqlClient } from '../database/database.ts';
import { isUnavailable } from '../errors/outages.ts';
import type { Logger } from '../process/logger.ts';
import { createPoller } from '../process/poller.ts';
import { type Span, SpanKind, startSpan } from '../process/tracing.ts';
import type { Broker, StreamDefinition } from './broker.ts';
import { consumerMetrics } from './consumer-metrics.ts';
import { createFailureHandling, RETRY_DELAYS_MS } from './failed-message.ts';
import { parseMessage, type ReceivedMessage, TRACEPARENT_HEADER } from './message.ts';
import { applyOnce, type MessageHandlers, readFor } from './message-handlers.ts';
import { subscribe } from './subscription.ts';

/** A received message and its content. */
interface Delivery {
  readonly message: JsMsg;
  readonly content: ReceivedMessage<unknown>;
  readonly span: Span;
}

const BATCH_MAX = 100;
const RECONNECT_MS = 500;
const LOOK_EVERY_MS = 10_000;
/** Under load, the messages of this time are applied together. */
const PAUSE_MS = 25;

export type Consumer = ReturnType<typeof createConsumer>;

/**
 * Creates a durable consumer of one stream. Messages that wait together are applied in one transaction with their inbox
 * rows, and acknowledged after its commit. When the transaction fails, the batch is halved until the bad message is
 * alone and does not delay the others. A message that keeps failing becomes a dead letter, see createFailureHandling.
 * While the database is unavailable, the messages wait in this process and no failure is counted for them. A lost
 * connection, stream or consumer is set up again, without a limit of attempts. `onCommitted` is called after each
 * commit.
 * @throws when the stream does not name this consumer, because messages could be deleted before it receives them
 */
export function createConsumer({
  name,
  stream,
  skippedTypes = [],
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
  /** The beginnings of the types that the consumer acknowledges without a handler, such as `hold.`. */
  skippedTypes?: readonly string[];
  handlers: MessageHandlers;
  parse?: (message: JsMsg) => ReceivedMessage<unknown>;
  onCommitted?: () => void;
  retryDelaysMs?: readonly number[];
  database: SqlClient;
  broker: Broker;
  logger: Logger;
  metrics: Registry;
}) {
  if (!stream.consumers.includes(name)) throw new Error(`${stream.name} does not name ${name} among its consumers`);
  const counters = consumerMetrics(metrics);
  // Prometheus sees an increase only if it has scraped the series before. The first dead letter must raise the alert.
  for (const counter of [counters.consumed, counters.redelivered, counters.deadLetters]) {
    counter.inc({ consumer: name }, 0);
  }
  const answerFailed = createFailureHandling({
    consumer: name,
    stream,
    retryDelaysMs,
    broker,
    logger,
    onDeadLetter: () => counters.deadLetters.inc({ consumer: name }),
  });
  /** The received messages without an answer, oldest first. */
  const unanswered = new Set<JsMsg>();
  let source: ConsumerMessages | undefined;
  let healthy = true;
  let stopping = false;
  let lookAtMs = 0;

  const poller = createPoller({
    intervalMs: RECONNECT_MS,
    pauseMs: PAUSE_MS,
    async run() {
      if (stopping) await source?.close();
      else if (source === undefined && broker.isConnected()) source = await open();
      void look();
      const hadMore = unanswered.size > BATCH_MAX;
      do await consumeNext();
      while (stopping && unanswered.size > 0);
      setHealthy(true);
      return hadMore;
    },
    onError(error) {
      if (healthy) logger.warn({ err: error, consumer: name }, 'consumer interrupted; it tries again');
      setHealthy(false);
    },
  });

  /** True while it can receive and the last attempt to apply messages succeeded. */
  const isHealthy = () => healthy && source !== undefined && broker.isConnected();

  function setHealthy(value: boolean): void {
    healthy = value;
    counters.up.set({ consumer: name }, isHealthy() ? 1 : 0);
  }

  /** Shows the position of the consumer, also while the database is unavailable. */
  async function look(): Promise<void> {
    if (!broker.isConnected() || performance.now() < lookAtMs) return;
    lookAtMs = performance.now() + LOOK_EVERY_MS;
    try {
      const { manager } = await broker.jetStream();
      const info = await manager.consumers.info(broker.resourceName(stream.name), broker.resourceName(name));
      counters.pending.set({ consumer: name }, info.num_pending);
      counters.unacknowledged.set({ consumer: name }, info.num_ack_pending);
    } catch {
      // The last values stay. The subscription reports a missing stream or consumer.
    }
  }

  async function open(): Promise<ConsumerMessages> {
    const messages = await subscribe({
      broker,
      stream,
      name,
      onMessage(message) {
        // A filter at the server would save the delivery, but nats-server 2.9 loses messages when an existing consumer
        // gets one.
        const type = broker.type(message.subject);
        if (skippedTypes.some((skipped) => type.startsWith(skipped))) return message.ack();
        unanswered.add(message);
        if (message.redelivered) counters.redelivered.inc({ consumer: name });
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
    for (const message of unanswered.values().take(BATCH_MAX).toArray()) {
      try {
        batch.push(begin(message));
      } catch (error) {
        await fail(message, error);
      }
    }
    try {
      if (batch.length > 0) await consume(batch);
    } catch (error) {
      // Without an answer the broker would deliver them again after its own time-out.
      for (const message of unanswered) message.working();
      throw error;
    }
  }

  /** Reads a message and begins its step of the trace. @throws when no handler can apply it */
  function begin(message: JsMsg): Delivery {
    const content = readFor(handlers, parse, message);
    const parent = message.headers?.get(TRACEPARENT_HEADER) || undefined;
    const span = startSpan(`process ${content.type}`, parent, { kind: SpanKind.CONSUMER });
    return { message, content: { ...content, traceparent: span.traceparent }, span };
  }

  /** Applies a batch in one transaction, or in smaller ones if it fails. @throws while the database is unavailable */
  async function consume(batch: readonly Delivery[]): Promise<void> {
    try {
      const traced = batch.find(({ span }) => span.traceparent !== undefined);
      await runInTrace(traced?.span.traceparent, () =>
        applyOnce(
          database,
          { consumer: name, handlers },
          batch.map(({ content }) => content),
        ),
      );
    } catch (error) {
      const [first] = batch;
      if (first !== undefined && batch.length === 1) return retryLater(first.message, error);
      // One message is enough to detect that the database is available again. Otherwise halving finds the bad message.
      const size = isUnavailable(error) ? 1 : Math.ceil(batch.length / 2);
      for (let start = 0; start < batch.length; start += size) await consume(batch.slice(start, start + size));
      return;
    }
    for (const { message, content, span } of batch) {
      unanswered.delete(message);
      message.ack();
      span.end();
      const { id: messageId, type, subject, correlationId: requestId } = content;
      logger.info({ consumer: name, messageId, type, subject, requestId }, 'message');
    }
    counters.consumed.inc({ consumer: name }, batch.length);
    onCommitted();
  }

  async function retryLater(message: JsMsg, error: unknown): Promise<void> {
    if (!isUnavailable(error)) return fail(message, error);
    // The message moves to the end: if it crashes the database, the others are still applied before it.
    unanswered.delete(message);
    unanswered.add(message);
    throw error;
  }

  async function fail(message: JsMsg, error: unknown): Promise<void> {
    await answerFailed(message, error);
    unanswered.delete(message);
  }

  return {
    isHealthy,
    /** Stops pulling. Applies and acknowledges the messages that were received. */
    async stop(): Promise<void> {
      stopping = true;
      await poller.stop();
    },
  };
}
